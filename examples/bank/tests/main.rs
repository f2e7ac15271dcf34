//! The tests of the quick start.

mod account;
mod readme;
