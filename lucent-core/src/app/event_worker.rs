//! Runs an event handler over the log.
//!
//! Invariant: the checkpoint moves past an event only after the handler has succeeded on it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;

use crate::{
    app::{Subscription, retry::Backoff, task::StopSignal},
    event_handler::{HandlerFault, SharedEventHandler},
    position::Position,
    projection::panicked,
    resource::Shell,
    store::{CommitError, EventStore, ProjectionCommit, ProjectionId, ReadModelStore, StoreError},
};

/// An event handler on its way through the log.
pub(crate) struct EventWorker {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) checkpoints: Arc<dyn ReadModelStore>,
    pub(crate) handler: SharedEventHandler,
    pub(crate) shell: Shell,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("event {position}: {fault}")]
    Handler { position: Position, fault: HandlerFault },
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EventWorker {
    /// Follows the log until it is told to stop.
    pub(crate) async fn run(self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        loop {
            match stop.or_stop(self.follow(&mut backoff)).await {
                None => return,
                Some(error) => {
                    let wait = backoff.next();
                    tracing::warn!(handler = self.handler.name(), %error, ?wait, "an event handler failed and will be tried again");
                    if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Handles events from the stored checkpoint on, until something fails.
    async fn follow(&self, backoff: &mut Backoff) -> StepError {
        match self.try_follow(backoff).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(
        &self,
        backoff: &mut Backoff,
    ) -> Result<std::convert::Infallible, StepError> {
        let id = ProjectionId::new(format!("handler:{}", self.handler.name()), 1);
        let mut checkpoint = self.checkpoints.checkpoint(&id).await?;
        let events = Arc::clone(&self.events);
        let mut subscription = Subscription::new(events, self.handler.filter(), checkpoint);
        loop {
            let event = subscription.next().await?;
            let handled = AssertUnwindSafe(self.handler.handle(&event, &self.shell));
            let outcome = match handled.catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => Err(HandlerFault::new(panicked(&*panic))),
            };
            outcome.map_err(|fault| StepError::Handler { position: event.position, fault })?;
            let commit = ProjectionCommit::new(id.clone(), checkpoint, event.position);
            self.checkpoints.commit_projection(commit).await?;
            checkpoint = event.position;
            backoff.reset();
        }
    }
}
