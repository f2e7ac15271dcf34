//! Asking a query, if need be after a position.
//!
//! Invariant: an answer that was asked for after a position has seen it, or there is no answer.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use crate::{app::Engine, position::Position, query::Answered};

/// A query on its way; await it.
#[must_use = "a query does nothing until it is awaited"]
pub struct Question<Q> {
    engine: Arc<Engine>,
    query: Q,
    after: Position,
    within: Duration,
}

/// How long a query waits for its read models, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

impl<Q: Answered> Question<Q> {
    pub(crate) fn new(engine: Arc<Engine>, query: Q) -> Self {
        Self { engine, query, after: Position::ZERO, within: PATIENCE }
    }

    /// Answers once the read models have seen this position, such as [`Done`](crate::Done)'s.
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// How long to wait for that at most; 5 seconds unless told otherwise.
    pub fn within(mut self, patience: Duration) -> Self {
        self.within = patience;
        self
    }

    async fn run(self) -> Result<Q::Answer, Q::Error> {
        if self.after > Position::ZERO {
            for name in Q::reads() {
                self.engine.projections.wait(name, self.after, self.within).await?;
            }
        }
        let shell = self.engine.shell.after(self.after);
        self.query.answer(&shell).await
    }
}

impl<Q: Answered> IntoFuture for Question<Q> {
    type Output = Result<Q::Answer, Q::Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Cancel safe: it only reads.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<Q: fmt::Debug> fmt::Debug for Question<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("query", &self.query)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
