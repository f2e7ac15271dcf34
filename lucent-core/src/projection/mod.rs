//! Projections: folds of events into read models.

mod by_store;
mod contract;
mod key;
mod partition;
mod plan;
mod step;

pub use by_store::StoreProjection;
pub(crate) use by_store::refuse_events;
pub use contract::{Consistency, Keep, Projected, ProjectionOutcome, Projector, ReadModel};
pub use key::IntoKeys;
pub use partition::Partition;
pub(crate) use plan::{panicked, shortened};
pub use step::{
    Projection, ProjectionError, ProjectionPlan, ProjectionStep, TypedProjection, shared,
};
