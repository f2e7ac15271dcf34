//! Why a projection did not take a step.
//!
//! Invariant: a lost race is told apart from a failure, for it needs no pause and no help.

use crate::{
    projection::ProjectionError,
    store::{CommitError, StoreError},
};

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("{error}")]
    Projection { error: ProjectionError, failures: u32 },
    #[error("{keys} keys have parked events, which is the limit, and {error}")]
    TooManyParked { keys: usize, error: ProjectionError },
    #[error("it was cancelled")]
    Cancelled,
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StepError {
    /// Whether somebody else took the same step first, so that it is to be taken from where that
    /// has led.
    pub(crate) const fn is_lost_race(&self) -> bool {
        matches!(
            self,
            Self::Commit(CommitError::CheckpointMoved { .. } | CommitError::ParkedMoved { .. })
        )
    }
}
