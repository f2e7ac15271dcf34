//! Price files: reading, checking and ordering them in flat memory.

mod error;
mod file;
mod header;
mod lines;
mod parse;
mod row;
mod sessions;
mod sort;

pub use error::PriceFileError;
pub use file::{PriceFile, Survey};
pub use row::Row;
pub use sessions::{Batches, Sessions};
