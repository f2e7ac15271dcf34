//! The one task that appends.
//!
//! Invariant: what is judged in memory is valid only on the log up to a known position; the
//! statement that writes makes sure, under the ledger's lock, that the log still ends there.

mod ahead;
mod batch;
mod columns;
mod doubts;
mod draft;
mod evidence;
mod grown;
mod inline;
mod insert;
mod knowledge;
mod part;
mod project;
mod request;
mod state;
mod task;

pub(crate) use doubts::Doubts;
pub(crate) use project::{replace, take_step};
pub(crate) use request::{Answer, EncodedAppend, Request};
pub(crate) use state::command_outcome;
pub(crate) use task::Writer;
