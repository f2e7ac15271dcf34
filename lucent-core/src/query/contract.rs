//! What makes a type a query, and how its handler is found.
//!
//! Invariant: a query has exactly one handler, known to the compiler.

use std::{future::Future, time::Duration};

use crate::{
    position::Position,
    resource::{MissingResource, Shell},
    store::{ProjectionId, StoreError},
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
