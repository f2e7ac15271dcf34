//! Runs an event handler over the log.
//!
//! Invariant: the checkpoint moves past an event only after the handler has succeeded on it, or
//! together with the commit that parks it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;

use crate::{
    app::{
        retry::Backoff,
        running_handler::{RunningHandler, Standing},
        task::StopSignal,
    },
    event::RecordedEvent,
    event_handler::HandlerFault,
    position::Position,
    projection::panicked,
    resource::Shell,
    store::{CommitError, EventStore, LogRead, ParkedChange, ParkedEvent, ParkedKey, StoreError},
};

/// How far a checkpoint may lag behind while nothing happens that the handler sees.
const IDLE_LAG: u64 = 10_000;

/// An event handler on its way through the log.
pub(crate) struct EventWorker {
    events: Arc<dyn EventStore>,
    running: Arc<RunningHandler>,
    shell: Shell,
    /// The event that failed last, and how often it has.
    failures: (Position, u32),
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

/// What is known of the log: handled up to the checkpoint, read up to the cursor.
struct Place {
    standing: Standing,
    cursor: Position,
}

impl EventWorker {
    pub(crate) fn new(
        events: Arc<dyn EventStore>,
        running: Arc<RunningHandler>,
        shell: Shell,
    ) -> Self {
        Self { events, running, shell, failures: (Position::ZERO, 0) }
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        let mut place = None;
        loop {
            let Some(outcome) = stop.or_stop(self.follow(&mut place, &mut backoff)).await else {
                break;
            };
            let Err(error) = outcome;
            place = None;
            let wait = match &error {
                StepError::Handler { .. } => self.running.policy.pause_after(self.failures.1),
                StepError::Commit(_) | StepError::Store(_) => backoff.next(),
            };
            let name = self.running.handler.name();
            tracing::warn!(handler = name, %error, ?wait, "an event handler failed and will be tried again");
            self.running.failing(error.to_string());
            if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
        }
        if let Some(Place { mut standing, cursor }) = place
            && cursor > standing.checkpoint
            && let Err(error) = self.running.commit(&mut standing, cursor, None).await
        {
            tracing::debug!(handler = self.running.handler.name(), %error, "the last checkpoint was not kept");
        }
        self.running.stopped();
    }

    /// Handles events from the stored checkpoint on, until something fails.
    async fn follow(
        &mut self,
        place: &mut Option<Place>,
        backoff: &mut Backoff,
    ) -> Result<std::convert::Infallible, StepError> {
        let standing = self.running.standing().await?;
        let cursor = standing.checkpoint;
        self.running.reached(cursor);
        let Place { standing, cursor } = place.insert(Place { standing, cursor });
        loop {
            let read = LogRead::after(self.running.handler.filter(), *cursor);
            let page = self.events.read_log(read).await?;
            for event in page.events {
                // A future that is dropped in here has read no further than it has handled.
                *cursor = standing.checkpoint;
                self.take(&event, standing).await?;
                backoff.reset();
            }
            *cursor = page.through;
            if cursor.get() - standing.checkpoint.get() >= IDLE_LAG {
                self.running.commit(standing, *cursor, None).await?;
            }
            self.running.reached(*cursor);
            if page.end {
                tokio::select! {
                    head = self.events.wait_past(*cursor) => self.running.saw_head(head?),
                    () = self.running.changed.notified() => {
                        let now = self.running.standing().await?;
                        *standing = now;
                        *cursor = standing.checkpoint;
                    }
                }
            }
        }
    }

    /// Handles an event, or has it wait behind those of its stream that are parked.
    async fn take(
        &mut self,
        event: &RecordedEvent,
        standing: &mut Standing,
    ) -> Result<(), StepError> {
        while standing.parked.holds_stream(&event.stream) {
            let waits = Some(ParkedChange::Park(parked_event(event, None)));
            match self.running.try_commit(standing, event.position, waits).await {
                // What it was to wait for may be gone.
                Err(CommitError::ParkedMoved { .. }) => *standing = self.running.standing().await?,
                outcome => return Ok(outcome?),
            }
        }
        let Err(fault) = handle(&self.running, &self.shell, event).await else {
            return Ok(self.running.commit(standing, event.position, None).await?);
        };
        let position = event.position;
        self.failures = match self.failures {
            (failed, count) if failed == position => (position, count.saturating_add(1)),
            _ => (position, 1),
        };
        let policy = self.running.policy;
        let room = standing.parked.len() < policy.keys;
        if !policy.gives_up_after(self.failures.1) || !room {
            return Err(StepError::Handler { position, fault });
        }
        let stream = event.stream.as_str();
        tracing::warn!(handler = self.running.handler.name(), stream, position = position.get(), %fault, "an event is parked; later ones of its stream wait behind it");
        let parked = Some(ParkedChange::Park(parked_event(event, Some(&fault))));
        Ok(self.running.commit(standing, position, parked).await?)
    }
}

/// Runs a handler on an event; a panic is a failure like any other.
pub(crate) async fn handle(
    running: &RunningHandler,
    shell: &Shell,
    event: &RecordedEvent,
) -> Result<(), HandlerFault> {
    let handled = AssertUnwindSafe(running.handler.handle(event, shell));
    match handled.catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(HandlerFault::new(panicked(&*panic))),
    }
}

/// An event in the line of its stream.
pub(crate) fn parked_event(event: &RecordedEvent, fault: Option<&HandlerFault>) -> ParkedEvent {
    ParkedEvent {
        key: ParkedKey::Stream(event.stream.clone()),
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.to_string(),
        reason: fault.map(|fault| crate::projection::shortened(&fault.to_string())),
    }
}
