//! The only thread that writes: it drains its queue into one transaction after the other.
//!
//! Invariant: one commit per batch, one outcome per request, and an error means that nothing of the
//! request was written.

mod answers;
mod append;
mod batch;
mod cache;
mod condition;
mod inline;
mod lease;
mod park;
mod project;
mod request;
mod thread;

pub(crate) use lease::LeaseChange;
pub(crate) use request::{EncodedAppend, Request};
pub(crate) use thread::Writer;
