//! Commands, and the pure functions that decide what happens on them.

mod boundary;
mod context;
mod contract;
mod decision;

pub use boundary::{ByAggregate, ByTags, DecidedOn, Execution, OnAggregate};
pub use context::CommandContext;
pub use contract::{AggregateCommand, Command, EventOf, Handled, Reply};
pub use decision::{Decision, IntoDecision};
