//! The tests of the testkit, in one binary.

mod scenario;
