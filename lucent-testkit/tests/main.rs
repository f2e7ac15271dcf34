//! The tests of the testkit, in one binary.

#[cfg(feature = "conformance")]
mod conformance;
mod scenario;
