//! Projectors that write tables of their own, with the user's SQL.
//!
//! Invariant: what a projector wrote and the checkpoint that says so are committed together, in one
//! transaction, or not at all.

mod contract;
mod place;
mod projectors;
mod step;
mod tx;

pub(crate) use contract::AnyProjector;
pub use contract::{SqlFailure, SqlProjector};
pub(crate) use place::{ENTER, LEAVE, Names, Place};
pub(crate) use projectors::{Own, Projectors, failure};
pub(crate) use step::{Applied, apply};
pub use tx::{SqlError, SqlTx};
