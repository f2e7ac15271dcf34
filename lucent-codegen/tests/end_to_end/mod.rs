//! Real packages, built by cargo against the real crates: what a user sees.
//!
//! Invariant: every way in which the build and the compiler can disagree about a function is a
//! compile error that names the function.

mod functions;
mod ids;
mod mistakes;
mod project;
mod shapes;
mod stale;
