//! Why a command had no effect.
//!
//! Invariant: whatever the error, nothing was written, unless it says that this is unknown.

use crate::{
    app::LoadError,
    event::DecodeError,
    payload::EncodeError,
    position::Position,
    projection::ProjectionError,
    store::{AppendError, StoreError, VersionConflict},
    stream::InvalidStreamId,
};

/// A command without effect, as far as is known; `E` is the handler's own error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError<E> {
    /// The domain said no.
    #[error(transparent)]
    Refused(E),
    /// Other writers were faster each time, or the aggregate that was to be created exists.
    #[error("the command was in conflict with other writers: {0}")]
    Conflict(VersionConflict),
    /// An event after the decision's last position matters to it, each time it was tried.
    #[error("the command was in conflict with event {found}, which matters to its decision")]
    ConditionFailed {
        /// The event's position.
        found: Position,
    },
    /// The store is overloaded for now.
    #[error("the command was shed: {0}")]
    Busy(StoreError),
    /// The command or its events cannot be stored as they are.
    #[error("the command cannot be stored: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// An event of the aggregate cannot be read.
    #[error(transparent)]
    Unreadable(DecodeError),
    /// An inline projection refused the events.
    #[error(transparent)]
    Projection(ProjectionError),
    /// The store failed. If [`CommandError::is_outcome_unknown`], the command may have had its
    /// effect.
    #[error(transparent)]
    Store(StoreError),
}

impl<E> CommandError<E> {
    /// The domain's refusal, if that is what it is.
    pub fn refusal(self) -> Option<E> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same command may succeed later without anybody's help.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::ConditionFailed { .. } | Self::Busy(_) => true,
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the command may have had its effect in spite of the error, because the connection to
    /// the store was lost at the wrong time.
    ///
    /// To execute it again is safe if it has an id of the caller's; otherwise look first.
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outcome_unknown())
    }
}

impl<E> From<StoreError> for CommandError<E> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { .. } => Self::Busy(error),
            error => Self::Store(error),
        }
    }
}

impl<E> From<InvalidStreamId> for CommandError<E> {
    fn from(error: InvalidStreamId) -> Self {
        Self::Invalid { reason: error.to_string() }
    }
}

impl<E> From<EncodeError> for CommandError<E> {
    fn from(error: EncodeError) -> Self {
        Self::Invalid { reason: error.to_string() }
    }
}

impl<E> From<LoadError> for CommandError<E> {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unreadable(error) => Self::Unreadable(error),
            LoadError::InvalidStream(error) => error.into(),
            LoadError::Store(error) => error.into(),
        }
    }
}

impl<E> From<AppendError> for CommandError<E> {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict(conflict) => Self::Conflict(conflict),
            AppendError::ConditionFailed { found, .. } => Self::ConditionFailed { found },
            AppendError::Encode(error) => error.into(),
            AppendError::InvalidStream(error) => error.into(),
            AppendError::Projection(error) => Self::Projection(error),
            AppendError::Store(error) => error.into(),
            other => Self::Invalid { reason: other.to_string() },
        }
    }
}
