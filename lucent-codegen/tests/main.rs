//! Scans of whole packages.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod bad_input;
mod cache;
mod end_to_end;
mod folder;
mod golden;
mod patch;
