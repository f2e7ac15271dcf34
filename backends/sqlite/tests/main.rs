//! Tests of the embedded store, in one binary.

mod appending;
mod support;
