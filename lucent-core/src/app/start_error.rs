//! Why an application cannot start.
//!
//! Invariant: an application that has started has everything that its functions ask for.

use crate::{
    app::step_error::StepError,
    resource::MissingResource,
    store::{ProjectionId, StoreError},
};

/// An application that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Two sets of events store different events under one name.
    #[error(
        "`{first}` and `{second}` both store events named `{event_type}`: rename one with `#[event(name = \"…\")]`"
    )]
    DuplicateEventType {
        /// The stored name.
        event_type: &'static str,
        /// One of the types.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// Two projectors or two event handlers share a durable name.
    #[error(
        "two functions are named `{name}`: {first} and {second}; give one another `name = \"…\"`"
    )]
    DuplicateName {
        /// The name.
        name: &'static str,
        /// Where one of them stands.
        first: String,
        /// Where the other one stands.
        second: String,
    },
    /// A query reads from a projection that is not in the registry.
    #[error(
        "`{query}` reads from projection `{projection}`, which is not in this application's registry"
    )]
    UnknownProjection {
        /// The query's handler.
        query: &'static str,
        /// The projection.
        projection: &'static str,
    },
    /// A start was set for an event handler that is not in the registry.
    #[error(
        "`start_handler` names `{name}`, and this application runs no event handler of that name"
    )]
    UnknownHandler {
        /// The name.
        name: String,
    },
    /// A handler asks for something that nobody supplied.
    #[error("`{function}`: {source}")]
    MissingResource {
        /// The handler.
        function: &'static str,
        /// What it asks for.
        source: MissingResource,
    },
    /// A projection was built in another number of partitions.
    #[error(
        "{projection} is stored in {stored} partitions, and its projector says {declared}: raise its version to rebuild it in another number"
    )]
    PartitionsChanged {
        /// Which projection.
        projection: ProjectionId,
        /// In how many it is stored.
        stored: u32,
        /// In how many the program would divide it.
        declared: u32,
    },
    /// An event handler has run in another number of partitions.
    #[error(
        "event handler `{handler}` has run in {stored} partitions, and its attribute says {declared}: give it a new name, and have that begin where this one has come to with `start_handler`"
    )]
    HandlerPartitionsChanged {
        /// Which handler.
        handler: &'static str,
        /// In how many it has run.
        stored: u32,
        /// In how many the program would run it.
        declared: u32,
    },
    /// An inline projection could not be brought up to date.
    #[error("an inline projection could not be brought up to date: {reason}")]
    InlineProjection {
        /// What went wrong.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StepError> for StartError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => Self::Store(error),
            other => Self::InlineProjection { reason: other.to_string() },
        }
    }
}
