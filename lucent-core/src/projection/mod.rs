//! Projections: folds of events into read models.

mod contract;
mod key;
mod partition;
mod step;

pub use contract::{Consistency, Keep, Projected, ProjectionOutcome, Projector, ReadModel};
pub use key::IntoKeys;
pub use partition::Partition;
pub(crate) use step::panicked;
pub use step::{Projection, ProjectionError, ProjectionPlan, TypedProjection, shared};
