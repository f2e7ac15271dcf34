//! Under construction.
mod build;
mod cfg;
mod emit;
mod locate;
mod package;
mod resolve;
mod scan;
mod skim;
mod store;
mod walk;
pub use build::build;
pub use package::{Composed, Package, Target, TargetKind};
pub use scan::{Summary, scan};
