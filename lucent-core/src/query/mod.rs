//! Queries: questions that are answered from read models.

mod contract;
mod view;

pub use contract::{Answered, Query, QueryOutcome, ReadError, StuckCause};
pub use view::View;
