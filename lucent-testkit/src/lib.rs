//! Tests for applications built on Lucent.
//!
//! A scenario says what happened before, what is asked, and what comes of it; see [`scenario`].
//!
//! Invariant of this crate: it is never needed at run time.

pub mod scenario;

pub use scenario::{
    Expectation, Mismatch, Outcome, already_exists, given, given_in, given_stored, nothing, refused,
};
