//! What can go wrong in a store, whatever was asked of it.
//!
//! Invariant: each error says whether trying again can help, and whether anything may have been
//! written.

use std::{error::Error, sync::Arc};

/// A store that could not do its work.
///
/// Nothing of the failed request was written, unless [`StoreError::is_outcome_unknown`] says that
/// this could not be found out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is overloaded or locked by somebody else for longer than the configured wait.
    #[error("the store is busy: {reason}; try again later")]
    Busy {
        /// What it waits for.
        reason: String,
    },
    /// The store was shut down, or its connection is gone.
    #[error("the store is closed: {reason}")]
    Closed {
        /// Why it is closed.
        reason: String,
    },
    /// There is no room left.
    #[error("the store at {location} is full: make room, then try again")]
    Full {
        /// The file or server.
        location: String,
    },
    /// What is at the location cannot be used: a folder or a database is missing, or this program
    /// may not do there what it tried.
    #[error("the store at {location} is inaccessible: {reason}; {remedy}")]
    Inaccessible {
        /// The file or server.
        location: String,
        /// What stands in the way.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The connection was lost while the store was writing, and it could not be found out in time
    /// whether it has written.
    #[error(
        "it is unknown whether {location} has written what was sent: {reason}; with a command id \
         it may be sent again, without one look for it in its stream first"
    )]
    OutcomeUnknown {
        /// The server.
        location: String,
        /// What stood in the way of finding out.
        reason: String,
    },
    /// What was opened is not a store.
    #[error("{location} is not a Lucent store: {reason}")]
    NotAStore {
        /// The file or server.
        location: String,
        /// What was found instead.
        reason: String,
    },
    /// A newer Lucent wrote the store.
    #[error(
        "{location} has schema version {found}, and this program reads versions up to {supported}: \
         update the program; the store was not touched"
    )]
    NewerSchema {
        /// The file or server.
        location: String,
        /// The version that was found.
        found: u32,
        /// The newest version that this code reads.
        supported: u32,
    },
    /// Stored data contradicts itself.
    #[error("stored data is damaged at {location}: {reason}")]
    Damaged {
        /// Which record.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database underneath failed.
    #[error("cannot {action}")]
    Backend {
        /// What was being done.
        action: &'static str,
        /// What the database said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
        /// Whether trying again can help.
        transient: bool,
    },
}

impl StoreError {
    /// Wraps an error of the database.
    pub fn backend(
        action: &'static str,
        source: impl Error + Send + Sync + 'static,
        transient: bool,
    ) -> Self {
        Self::Backend { action, source: Arc::new(source), transient }
    }

    /// Whether the same request can succeed later without anybody's help, and may be sent again
    /// as it is.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Backend { transient, .. } => *transient,
            _ => false,
        }
    }

    /// Whether the request may have been written in spite of the error.
    ///
    /// Such an error is not transient: to send the request again could write it twice, unless it has
    /// a command id.
    #[must_use]
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }
}
