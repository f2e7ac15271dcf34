//! Runs a function on the events of the log.
//!
//! Invariant: the function's checkpoint moves past an event only after what it found there is
//! recorded, or its rules refused the event. What it found is recorded once, for the id of the record
//! is made of the function and the event.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Event,
    app::{Backoff, StopSignal, Subscription},
    event::{CommandId, Metadata, NewEvent, RecordedEvent},
    function::{
        CallContext, EditionId, OrderError, Refusal, Said,
        fanout::Seat,
        follow::write,
        policy::Order,
        run::{Recorded, StepFault},
        shared::Shared,
    },
    position::Position,
    store::{
        Append, AppendError, CommitError, EventQuery, ExpectedVersion, ProjectionCommit,
        ProjectionId, StoreError,
    },
    stream::StreamId,
};

/// What a function found in an event of the log. The stream `function_ran-<name>` holds what one
/// function found; an output that is `null`, such as `None`, is not recorded.
///
/// Its cause is the event that the function ran on, and its context is that event's, with a note of
/// the edition that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(name = "lucent.FunctionRan")]
pub struct FunctionRan {
    /// The function.
    #[tag]
    pub function: String,
    /// The edition that ran.
    pub edition: EditionId,
    /// Why that one.
    pub reason: String,
    /// The key of the call, if the function has one.
    #[tag("key")]
    pub key: Option<String>,
    /// The event that it ran on.
    pub position: Position,
    /// What it gave, as JSON.
    pub output: serde_json::Value,
}

/// A function on its way through the log.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    seat: Seat,
}

/// Why an event was not done with.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("event {position}: {fault}")]
    Function { position: Position, fault: StepFault },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, seat: Seat) -> Self {
        Self { shared, index, seat }
    }

    fn name(&self) -> &'static str {
        self.shared.entries[self.index].name
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn run(self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        let mut failures = Failures::default();
        loop {
            let Some(error) = stop.or_stop(self.follow(&mut backoff, &mut failures)).await else {
                return;
            };
            let wait = backoff.next();
            tracing::warn!(function = self.name(), %error, ?wait, "a function failed on an event and will be tried again");
            if stop.or_stop(self.pause(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Waits for a time, or for a change of control, which may be what is needed.
    async fn pause(&self, wait: Duration) {
        let epoch = self.shared.table.load().epoch();
        let change = self.shared.live.newer_than(epoch);
        drop(tokio::time::timeout(wait, change).await);
    }

    async fn follow(&self, backoff: &mut Backoff, failures: &mut Failures) -> StepError {
        match self.try_follow(backoff, failures).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_follow(
        &self,
        backoff: &mut Backoff,
        failures: &mut Failures,
    ) -> Result<std::convert::Infallible, StepError> {
        let id = ProjectionId::new(format!("function:{}", self.name()), 1);
        let mut checkpoint = self.shared.checkpoints.checkpoint(&id).await?;
        let filter = EventQuery::types((self.seat.types)());
        let events = Arc::clone(&self.shared.events);
        let mut log = Subscription::new(events, filter.into(), checkpoint);
        loop {
            let event = log.next().await?;
            self.step(&event, failures).await?;
            let commit = ProjectionCommit::new(id.clone(), checkpoint, event.position);
            self.shared.checkpoints.commit_projection(commit).await?;
            checkpoint = event.position;
            backoff.reset();
        }
    }

    async fn step(&self, event: &RecordedEvent, failures: &mut Failures) -> Result<(), StepError> {
        let position = event.position;
        let context = CallContext::from(event.metadata.context());
        match (self.seat.step)(&self.shared, self.index, &context, event) {
            Ok(None) => Ok(()),
            Ok(Some(recorded)) if recorded.output.is_null() => Ok(()),
            Ok(Some(recorded)) => self.keep(event, recorded).await,
            Err(
                fault @ StepFault::Refused(Refusal::Unavailable { .. } | Refusal::Alone { .. }),
            ) => Err(StepError::Function { position, fault }),
            Err(StepFault::Refused(refusal)) => {
                tracing::debug!(function = self.name(), %position, %refusal, "a function may not run on an event, which passes by");
                Ok(())
            }
            Err(fault) => {
                if let StepFault::Failed { edition, message } = &fault
                    && failures.another(position, edition) >= FAILURES
                {
                    self.quarantine(edition, position, message).await?;
                }
                Err(StepError::Function { position, fault })
            }
        }
    }

    /// Keeps an edition from running that fails again and again on one event; the function goes on
    /// with another one, or waits here until it is released.
    async fn quarantine(
        &self,
        edition: &EditionId,
        position: Position,
        message: &str,
    ) -> Result<(), StepError> {
        let because = format!("it failed {FAILURES} times on event {position}: {message}");
        tracing::error!(function = self.name(), %edition, because, "an edition is quarantined");
        let order = Order::Quarantine(edition.clone(), because);
        write(&self.shared, self.index, &order, &Said::default()).await?;
        Ok(())
    }

    async fn keep(&self, event: &RecordedEvent, recorded: Recorded) -> Result<(), StepError> {
        let function = self.name();
        let id = CommandId::derived(&format!("function {function} on {}", event.id));
        let cause = &event.metadata;
        let metadata = Arc::new(Metadata::from_parts(
            cause.correlation(),
            event.id.uuid(),
            recorded.ran.noted_in(cause.context().clone()),
        ));
        let ran = FunctionRan {
            function: function.to_owned(),
            edition: recorded.ran.edition,
            reason: recorded.ran.reason.to_string(),
            key: recorded.key,
            position: event.position,
            output: recorded.output,
        };
        let now = self.shared.clock.now();
        let event = NewEvent::encode(&ran, &metadata, now).map_err(AppendError::from)?;
        let stream = StreamId::of("function_ran", function).map_err(AppendError::from)?;
        let mut append = Append::one(stream, ExpectedVersion::Any, vec![event]);
        append.command = Some(id);
        self.shared.events.append(append).await?;
        Ok(())
    }
}

/// How often which edition failed on which event, in a row.
#[derive(Debug, Default)]
struct Failures {
    at: Position,
    edition: Option<EditionId>,
    count: u32,
}

impl Failures {
    fn another(&mut self, at: Position, edition: &EditionId) -> u32 {
        if self.at != at || self.edition.as_ref() != Some(edition) {
            *self = Self { at, edition: Some(edition.clone()), count: 0 };
        }
        self.count += 1;
        self.count
    }
}

/// After how many failures on one event an edition is quarantined.
const FAILURES: u32 = 3;
