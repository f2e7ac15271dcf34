//! Tests of the PostgreSQL store, in one binary.

mod commands;
mod conformance;
mod faults;
mod server;
