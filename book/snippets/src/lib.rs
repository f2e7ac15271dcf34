//! The code shown in the book.
//!
//! Invariant: the book shows Rust only from here and from the examples, so that all of it
//! compiles; a page takes the lines between `ANCHOR: name` and `ANCHOR_END: name`.

#![expect(
    missing_debug_implementations,
    missing_docs,
    reason = "the pages explain what these items are; comments here would be in their way"
)]

pub mod account;
pub mod appending;
pub mod concert;
pub mod courses;
pub mod functions;
pub mod invoice;
pub mod reacting;
pub mod reading;
pub mod repairing;
pub mod running;
pub mod tables;
pub mod views;

lucent_core::registry!();
