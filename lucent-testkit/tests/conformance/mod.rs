//! The conformance suite: on a store that keeps its promises, and on many that do not.

mod memory_store;
mod mutants;
mod table;
