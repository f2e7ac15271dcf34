//! Runs a part of an event handler over the log.
//!
//! Invariant: the checkpoint moves past an event only after the handler has succeeded on it, or
//! together with the commit that parks it; what was handled and not committed is bounded, and
//! nothing more is handled once the lease is known to be lost.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::time::Instant;

use crate::{
    app::{
        handler_part::{HandlerPart, Standing},
        retry::Backoff,
        task::StopSignal,
    },
    event::RecordedEvent,
    event_handler::HandlerFault,
    position::Position,
    projection::panicked,
    resource::Shell,
    store::{
        CommitError, EventStore, Fence, LogRead, ParkedChange, ParkedEvent, ParkedKey, StoreError,
    },
};

/// How far a checkpoint may lag behind while nothing happens that the handler sees.
const IDLE_LAG: u64 = 10_000;

/// For how long events may be handled without a checkpoint, be it that many are handled or that each
/// takes long.
const UNCOMMITTED: Duration = Duration::from_millis(100);

/// A part of an event handler on its way through the log.
pub(crate) struct EventWorker {
    events: Arc<dyn EventStore>,
    part: Arc<HandlerPart>,
    fence: Fence,
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

/// How far the log is dealt with: stored up to the checkpoint, done up to the cursor.
struct Place {
    standing: Standing,
    cursor: Position,
    /// How many events were handled between the two, and since when.
    handled: Option<(u32, Instant)>,
}

impl EventWorker {
    pub(crate) fn new(
        events: Arc<dyn EventStore>,
        part: Arc<HandlerPart>,
        fence: Fence,
        shell: Shell,
    ) -> Self {
        Self { events, part, fence, shell, failures: (Position::ZERO, 0) }
    }

    /// Follows the log until it is told to stop, or the lease is lost.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        let mut place = None;
        let name = self.part.handler.name();
        loop {
            let Some(outcome) = stop.or_stop(self.follow(&mut place, &mut backoff)).await else {
                break;
            };
            let Err(error) = outcome;
            let wait = match &error {
                StepError::Commit(CommitError::LeaseLost { .. }) => {
                    tracing::debug!(handler = name, %error, "a handler's part is worked on elsewhere");
                    return;
                }
                StepError::Handler { .. } => self.part.policy.pause_after(self.failures.1),
                StepError::Commit(_) | StepError::Store(_) => backoff.next(),
            };
            if matches!(error, StepError::Commit(CommitError::CheckpointMoved { .. })) {
                place = None;
            }
            tracing::warn!(handler = name, %error, ?wait, "an event handler failed and will be tried again");
            self.part.failing(error.to_string());
            if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
        }
        if let Some(mut place) = place
            && let Err(error) = self.settle(&mut place).await
        {
            tracing::debug!(handler = name, %error, "the last checkpoint was not kept");
        }
    }

    /// Handles events from the stored checkpoint on, until something fails.
    async fn follow(
        &mut self,
        place: &mut Option<Place>,
        backoff: &mut Backoff,
    ) -> Result<Infallible, StepError> {
        let place = match place {
            Some(place) => place,
            none => none.insert(self.stored().await?),
        };
        loop {
            let read = LogRead::after(self.part.handler.filter(), place.cursor);
            let page = self.events.read_log(read).await?;
            for event in page.events {
                // A future that is dropped in here has come no further than it has handled.
                if self.part.owns(&event.stream) {
                    self.take(&event, place).await?;
                    backoff.reset();
                }
                place.cursor = event.position;
            }
            place.cursor = page.through;
            let passed = place.cursor.get() - place.standing.checkpoint.get();
            if (page.end && place.handled.is_some()) || passed >= IDLE_LAG {
                self.settle(place).await?;
            }
            self.part.reached(place.cursor);
            if page.end {
                tokio::select! {
                    head = self.events.wait_past(place.cursor) => self.part.saw_head(head?),
                    () = self.part.changed.notified() => self.part.refresh(&mut place.standing).await?,
                }
            }
        }
    }

    /// Begins where the stored checkpoint is.
    async fn stored(&self) -> Result<Place, StoreError> {
        let fence = Some(self.fence.clone());
        let standing = Standing { fence, ..self.part.stored().await? };
        let cursor = standing.checkpoint;
        self.part.reached(cursor);
        Ok(Place { standing, cursor, handled: None })
    }

    /// Commits the checkpoint of what is done.
    async fn settle(&self, place: &mut Place) -> Result<(), CommitError> {
        if place.cursor > place.standing.checkpoint {
            self.part.commit(&mut place.standing, place.cursor, None).await?;
        }
        place.handled = None;
        Ok(())
    }

    /// Handles an event, or has it wait behind those of its stream that are parked.
    async fn take(&mut self, event: &RecordedEvent, place: &mut Place) -> Result<(), StepError> {
        while place.standing.parked.holds_stream(&event.stream) {
            let waits = Some(ParkedChange::Park(parked_event(event, None)));
            match self.part.try_commit(&mut place.standing, event.position, waits).await {
                // What it was to wait for may be gone.
                Err(CommitError::ParkedMoved { .. }) => {
                    self.part.refresh(&mut place.standing).await?;
                }
                outcome => return Ok(place.committed(outcome)?),
            }
        }
        let Err(fault) = handle(&self.part, &self.shell, event).await else {
            place.cursor = event.position;
            let (count, since) = place.handled.get_or_insert_with(|| (0, Instant::now()));
            *count += 1;
            if *count >= self.part.handler.checkpoint_every() || since.elapsed() >= UNCOMMITTED {
                self.settle(place).await?;
            }
            return Ok(());
        };
        let position = event.position;
        self.failures = match self.failures {
            (failed, count) if failed == position => (position, count.saturating_add(1)),
            _ => (position, 1),
        };
        let policy = self.part.policy;
        let room = place.standing.parked.len() < policy.keys;
        if !policy.gives_up_after(self.failures.1) || !room {
            // It may fail for long: what was handled before it is not to come again.
            self.settle(place).await?;
            return Err(StepError::Handler { position, fault });
        }
        let stream = event.stream.as_str();
        tracing::warn!(handler = self.part.handler.name(), stream, position = position.get(), %fault, "an event is parked; later ones of its stream wait behind it");
        let parked = Some(ParkedChange::Park(parked_event(event, Some(&fault))));
        let outcome = self.part.commit(&mut place.standing, position, parked).await;
        Ok(place.committed(outcome)?)
    }
}

impl Place {
    /// A commit of what is parked covers all that was handled before.
    fn committed(&mut self, outcome: Result<(), CommitError>) -> Result<(), CommitError> {
        outcome?;
        self.cursor = self.standing.checkpoint;
        self.handled = None;
        Ok(())
    }
}

/// Runs a handler on an event; a panic is a failure like any other.
pub(crate) async fn handle(
    part: &HandlerPart,
    shell: &Shell,
    event: &RecordedEvent,
) -> Result<(), HandlerFault> {
    let handled = AssertUnwindSafe(part.handler.handle(event, shell));
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
