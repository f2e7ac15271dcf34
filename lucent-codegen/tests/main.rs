//! Scans of whole packages.

#![expect(clippy::unwrap_used, reason = "tests panic")]

mod cache;
mod folder;
mod golden;
