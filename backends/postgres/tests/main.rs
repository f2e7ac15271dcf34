//! Tests of the PostgreSQL store, in one binary.

mod conformance;
mod faults;
mod models;
mod server;
