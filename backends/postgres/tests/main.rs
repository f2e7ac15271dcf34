//! Tests of the PostgreSQL store, in one binary.

mod conformance;
mod faults;
mod partitions;
mod server;
