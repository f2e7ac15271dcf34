//! Why a function gave no result, and why a manager could not do what it was asked.
//!
//! Invariant: a refusal means that nothing ran.

use std::time::Duration;

use crate::{
    function::{OrderRefused, Refusal, RosterError},
    mesh::NodeId,
    position::Position,
    store::{AppendError, StoreError},
    stream::InvalidStreamId,
};

/// A call without a result; `E` is the function's own error.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// No edition may run for this call.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The function returned an error.
    #[error(transparent)]
    Failed(E),
    /// The function panicked.
    #[error("`{function}`: {message}")]
    Panicked {
        /// The function.
        function: &'static str,
        /// What it said.
        message: String,
    },
    /// The function had a result after its deadline.
    #[error("`{function}` took {took:?}, and its deadline is {deadline:?}")]
    Late {
        /// The function.
        function: &'static str,
        /// The time it took.
        took: Duration,
        /// The time it had.
        deadline: Duration,
    },
}

impl<E> CallError<E> {
    /// The same with another type for the function's own error.
    pub fn map<X>(self, map: impl FnOnce(E) -> X) -> CallError<X> {
        match self {
            Self::Refused(refusal) => CallError::Refused(refusal),
            Self::Failed(error) => CallError::Failed(map(error)),
            Self::Panicked { function, message } => CallError::Panicked { function, message },
            Self::Late { function, took, deadline } => CallError::Late { function, took, deadline },
        }
    }
}

/// A manager that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The functions do not fit together.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The name of a function cannot be that of a stream.
    #[error(transparent)]
    Name(#[from] InvalidStreamId),
    /// Other programs registered functions each time this one tried to.
    #[error(
        "the functions could not be registered, for other programs were faster each time: start again"
    )]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store refused an event.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// An order that was not carried out, or of which it is not known whether it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It was refused; nothing was written.
    #[error(transparent)]
    Refused(#[from] OrderRefused),
    /// There is no such function; nothing was written.
    #[error("this manager has no function `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
    },
    /// Others changed the control of the function each time; nothing was written.
    #[error("the control of `{function}` was changed by others each time: try again")]
    Contended {
        /// The function.
        function: &'static str,
    },
    /// It is written, and other processes obey; this one has not applied it in time.
    #[error(
        "the order is event {position} of the log, and this process did not apply it within {waited:?}{}",
        running.map(|since| format!(": a call that began before {since} still runs")).unwrap_or_default()
    )]
    NotApplied {
        /// Where it is written.
        position: Position,
        /// How long the order waited.
        waited: Duration,
        /// The table of the oldest call that still runs, if that is what it waits for.
        running: Option<Position>,
    },
    /// It is written and this process obeys, and other nodes have not said in time that they do.
    #[error(
        "the order is event {position} of the log, and these nodes have not said within {waited:?} that they obey: {}",
        nodes.iter().map(NodeId::as_str).collect::<Vec<_>>().join(", ")
    )]
    NotConfirmed {
        /// Where it is written.
        position: Position,
        /// How long the order waited.
        waited: Duration,
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store refused the event.
    #[error(transparent)]
    Append(#[from] AppendError),
}
