//! What makes a type a query, and how its handler is found.
//!
//! Invariant: a query has exactly one handler, known to the compiler.

use std::{future::Future, time::Duration};

use crate::{
    position::Position,
    resource::{MissingResource, Shell},
    store::{ParkedKey, ProjectionId, StoreError},
};

/// A question.
///
/// `#[derive(Query)]` writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "write `#[derive(Query)]` on the type"
)]
pub trait Query: Send + 'static {
    /// The name of the query.
    const NAME: &'static str;
}

/// A query that a `#[query_handler]` function answers.
///
/// The attribute writes this beside the function.
#[diagnostic::on_unimplemented(
    message = "nothing answers the query `{Self}`",
    label = "this query has no handler",
    note = "write `#[query_handler] async fn name(query: {Self}, view: &View<ReadModel>) -> Result<Answer, ReadError> {{ … }}` in the crate that defines `{Self}`"
)]
pub trait Answered: Query + Sized {
    /// The mark of the registry that lists the handler.
    type Home;

    /// What the answer is.
    type Answer: Send + 'static;

    /// Why there is none.
    type Error: From<ReadError> + Send + 'static;

    /// Runs the handler.
    ///
    /// # Errors
    /// The handler's error, or a [`ReadError`] turned into one.
    fn answer(
        self,
        shell: &Shell,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;

    /// The names of the projections that the handler reads from.
    fn reads() -> Vec<&'static str>;
}

/// What a query handler returns: `Result<Answer, Error>`.
#[diagnostic::on_unimplemented(
    message = "a query handler cannot return `{Self}`",
    label = "not a `Result`",
    note = "return `Result<Answer, ReadError>`, or an error of your own that implements `From<ReadError>`"
)]
pub trait QueryOutcome {
    /// What the answer is.
    type Answer;

    /// Why there is none.
    type Error;

    /// Takes the outcome out.
    ///
    /// # Errors
    /// Whatever the function returned.
    fn into_result(self) -> Result<Self::Answer, Self::Error>;
}

impl<T, X> QueryOutcome for Result<T, X> {
    type Answer = T;
    type Error = X;

    fn into_result(self) -> Self {
        self
    }
}

/// A read model that could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The projection has not seen the asked position in time.
    #[error(
        "projection {projection} is at {reached} and has not seen position {wanted} within {waited:?}{}",
        failure.as_ref().map(|text| format!("; it keeps failing: {text}")).unwrap_or_default()
    )]
    NotYet {
        /// Which projection.
        projection: ProjectionId,
        /// The position that was asked for.
        wanted: Position,
        /// Its checkpoint.
        reached: Position,
        /// How long the query waited.
        waited: Duration,
        /// Why it does not move on, if it fails.
        failure: Option<String>,
    },
    /// The projection will not see the asked position unless somebody helps.
    #[error(
        "projection {projection} is at {reached} and will not see position {wanted} by itself: {cause}"
    )]
    Stuck {
        /// Which projection.
        projection: ProjectionId,
        /// The position that was asked for.
        wanted: Position,
        /// Its checkpoint.
        reached: Position,
        /// What holds it up.
        cause: StuckCause,
    },
    /// Events up to the asked position are parked, so the document has not seen them.
    #[error(
        "events of the {key} are parked from position {first} on, so projection {projection} has not \
         applied what was asked for: retry them with `app.projection(\"{}\")`", projection.name
    )]
    Parked {
        /// Which projection.
        projection: ProjectionId,
        /// The line in which they stand.
        key: ParkedKey,
        /// The position of the first of them.
        first: Position,
    },
    /// The active version is an older one, whose documents are not of today's type.
    #[error(
        "projection {projection} is still being built, and document `{key}` of version {active}, from \
         which queries are answered meanwhile, does not decode as today's type: {reason}"
    )]
    Rebuilding {
        /// The version that is being built.
        projection: ProjectionId,
        /// The version that queries are answered from.
        active: u32,
        /// The document's key.
        key: String,
        /// What the decoder said.
        reason: String,
    },
    /// A stored document is not one of the read model's.
    #[error(
        "document `{key}` of {projection} does not decode: {reason}; raise the projector's version to rebuild it"
    )]
    Damaged {
        /// Which projection.
        projection: ProjectionId,
        /// The document's key.
        key: String,
        /// What the decoder said.
        reason: String,
    },
    /// No projection of that name runs in this application.
    #[error(
        "this application runs no projection `{name}`: its registry does not include the crate of the projector"
    )]
    UnknownProjection {
        /// The name of the projection.
        name: &'static str,
    },
    /// Something that the handler asks for is not there.
    #[error(transparent)]
    Missing(#[from] MissingResource),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a projection does not move on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StuckCause {
    /// Building it was cancelled.
    #[error("building it was cancelled; `rebuild` starts it again")]
    Cancelled,
    /// It keeps failing, and is tried again without end.
    #[error("it keeps failing: {reason}")]
    Failing {
        /// The last failure.
        reason: String,
    },
    /// It is complete, but has parked events that the version before it has not.
    #[error(
        "it has parked events of {keys} keys that the version before it has not: retry or drop them, \
         or activate it as it is"
    )]
    Held {
        /// How many keys.
        keys: usize,
    },
    /// Queries were told to be answered from an older version, which does not move.
    #[error("queries are answered from version {active}, to which it was rolled back")]
    RolledBack {
        /// The version that queries are answered from.
        active: u32,
    },
    /// Its worker was stopped.
    #[error("it was stopped")]
    Stopped,
    /// So many keys have parked events that no more are parked.
    #[error("events of {keys} keys are parked, which is the limit: {reason}")]
    TooManyParked {
        /// How many keys.
        keys: usize,
        /// The last failure.
        reason: String,
    },
}
