//! Replaying a price file through commands.

mod engine;
mod error;
mod history;
mod terms;

pub use engine::{Progress, Replay, Replayed};
pub use error::ReplayError;
pub use terms::{OtherTerms, RequestedTerms};
