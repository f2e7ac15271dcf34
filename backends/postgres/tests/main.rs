//! Tests of the PostgreSQL store, in one binary.

mod conformance;
mod faults;
#[cfg(test)]
mod partitions;
mod server;
