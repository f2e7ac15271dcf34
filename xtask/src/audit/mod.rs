//! What the tests assert about the project itself.
//!
//! Invariant: an audit is a pure function from what it looks at to a list of problems, each of
//! which says where it is and what to do.

pub mod book;
pub mod files;
pub mod graph;
pub mod links;
pub mod modules;
pub mod paths;
