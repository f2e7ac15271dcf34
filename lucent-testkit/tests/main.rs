//! The tests of the testkit, in one binary.

#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "network")]
#[cfg(test)]
mod network;
mod scenario;
