//! A store in memory: for tests, for first steps, and for live projections.
//!
//! Invariant: it keeps every promise of the contract except survival of the process.

mod commit;
mod inline;
mod leases;
mod log;
mod read_models;
mod scan;
mod snapshots;
mod store;
#[cfg(test)]
mod tests;

pub use store::MemoryStore;
