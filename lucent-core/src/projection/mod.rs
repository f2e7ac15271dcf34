//! Projections: folds of events into read models.

mod contract;
mod key;
mod plan;
mod step;

pub use contract::{Consistency, Keep, Projected, ProjectionOutcome, Projector, ReadModel};
pub use key::IntoKeys;
pub(crate) use plan::{panicked, shortened};
pub use step::{
    Projection, ProjectionError, ProjectionPlan, ProjectionStep, TypedProjection, shared,
};
