//! The project's own commands, and the audits that its tests run.
//!
//! Invariant: what is tested, documented and run is found by asking cargo, so that a new crate
//! needs no change here.

pub mod audit;
mod failure;
mod step;
mod task;
mod workspace;

pub use failure::Failure;
pub use task::run;
pub use workspace::{Dependency, DependencyKind, Package, Workspace};
