//! Scans of whole packages.

mod cache;
mod folder;
mod golden;
