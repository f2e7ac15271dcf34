//! Commands, and the pure functions that decide what happens on them.

mod context;
mod contract;
mod decision;

pub use context::CommandContext;
pub use contract::{Command, EventOf, Handled, Reply};
pub use decision::{Decision, IntoDecision};
