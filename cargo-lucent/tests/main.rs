//! The program, run as a user runs it.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod bad_input;
mod findings;
mod golden;
mod lock;
mod new;
mod project;
