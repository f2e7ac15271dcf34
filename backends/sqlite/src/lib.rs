//! The embedded event store of Lucent, on SQLite.

mod builder;
mod checkpoint;
mod contract;
mod fault;
mod heads;
mod intern;
mod open;
mod reader;
mod row;
mod store;
mod writer;

pub use builder::SqliteBuilder;
pub use store::{SqliteStore, open};
