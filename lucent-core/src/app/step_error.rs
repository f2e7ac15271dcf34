//! Why a projection did not take a step.
//!
//! Invariant: a lost race is told apart from a failure, for it needs no pause and no help.

use crate::{
    projection::ProjectionError,
    query::StuckCause,
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

    /// Whether somebody else works on it now.
    pub(crate) const fn is_lost_lease(&self) -> bool {
        matches!(self, Self::Commit(CommitError::LeaseLost { .. }))
    }

    /// What is to be told to those who wait, if it does not pass by itself.
    pub(crate) fn needs_help(&self) -> Option<StuckCause> {
        match self {
            Self::Projection { failures, .. } if *failures > PROMPT_TRIES => {
                Some(StuckCause::Failing { reason: self.to_string() })
            }
            Self::TooManyParked { keys, .. } => {
                Some(StuckCause::TooManyParked { keys: *keys, reason: self.to_string() })
            }
            Self::Store(store) | Self::Commit(CommitError::Store(store))
                if !store.is_transient() =>
            {
                Some(StuckCause::Failing { reason: self.to_string() })
            }
            _ => None,
        }
    }
}

/// After so many failures of one event, who waits for it is told that it does not come.
const PROMPT_TRIES: u32 = 5;
