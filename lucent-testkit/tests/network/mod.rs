//! Tests of the network that fails on command.

mod faults;
