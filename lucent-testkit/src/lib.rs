//! Tests for applications built on Lucent, and for stores that they run on.
//!
//! A scenario says what happened before, what is asked, and what comes of it; see [`scenario`].
//! With the feature `conformance`, which is on by default, a store's crate checks that it keeps every
//! promise of the contract. With the feature `network`, also on by default, a client of a server is
//! tested on a network that fails on command.
//!
//! Invariant of this crate: it is never needed at run time.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "network")]
pub mod network;
pub mod scenario;

pub use scenario::{
    Expectation, Mismatch, Outcome, already_exists, given, given_in, given_stored, nothing, refused,
};
