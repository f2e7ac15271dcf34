//! Executing a command: load, decide, append, and once more if somebody was faster.
//!
//! Invariant: a refusal or an empty decision is only reported if it was decided on the newest
//! state; an append is checked by its expected version.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    aggregate::Aggregate,
    app::{
        CommandError, Engine, Loaded,
        load::{due_snapshot, load},
    },
    command::{CommandContext, DecidedOn, Decision, EventOf, Handled, OnAggregate},
    event::{BusinessContext, CommandId, Metadata, NewEvent, RecordedEvent},
    id::AggregateId as _,
    position::{Position, Version},
    state::Evolve as _,
    store::{Append, Appended, ExpectedVersion, Snapshot, SnapshotKey, VersionConflict},
    stream::StreamId,
    time::Timestamp,
};

/// What a command did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Done<R = ()> {
    /// The handler's reply.
    pub reply: R,
    /// The position to read after, to see what the command did.
    pub position: Position,
    /// The version of the aggregate's stream; of a command with tags, that of the stream of its last
    /// event, or zero if there is none.
    pub version: Version,
    /// How many events the command added.
    pub events: usize,
    /// Whether the command's id was known, so that this is what it did the first time.
    pub repeated: bool,
}

/// A command on its way; await it.
#[must_use = "a command does nothing until it is awaited"]
pub struct Execute<C> {
    pub(super) engine: Arc<Engine>,
    pub(super) command: C,
    pub(super) id: Option<CommandId>,
    context: BusinessContext,
    cause: Option<Arc<Metadata>>,
}

pub(super) type Outcome<C> =
    Result<Done<<C as Handled>::Reply>, CommandError<<C as Handled>::Refusal>>;

impl<C: Handled> Execute<C> {
    pub(crate) fn new(engine: Arc<Engine>, command: C) -> Self {
        Self { engine, command, id: None, context: BusinessContext::default(), cause: None }
    }

    /// Gives the command an id of the caller's: the same id again has no effect and gives the first
    /// outcome.
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the business context that travels with the events.
    pub fn context(mut self, context: BusinessContext) -> Self {
        self.context = context;
        self
    }

    /// Says which event the command reacts to: correlation and context go on from it.
    pub fn caused_by(mut self, event: &RecordedEvent) -> Self {
        self.cause = Some(Arc::clone(&event.metadata));
        self
    }

    /// The metadata of what the command causes.
    pub(super) fn metadata(&self, id: CommandId) -> Metadata {
        match &self.cause {
            Some(cause) => Metadata::caused_by(id, cause),
            None => Metadata::of_command(id, self.context.clone()),
        }
    }
}

impl<C: OnAggregate> Execute<C> {
    /// Executes a command that is for an aggregate.
    pub(crate) async fn run(self) -> Outcome<C> {
        let stream = self.command.aggregate_id().stream_id()?;
        if let Some(id) = self.id
            && let Some(first) = self.engine.events.command_outcome(id).await?
        {
            return repeated::<C>(&first);
        }
        let command_id = self.id.unwrap_or_else(CommandId::new);
        let metadata = Arc::new(self.metadata(command_id));
        let slot = self.engine.caches.slot::<C::Aggregate>(&stream);
        let mut state = slot.lock().await;
        let mut retries = 0;
        loop {
            match self.attempt(&stream, &mut state, command_id, &metadata).await {
                Attempt::Done(outcome) => return outcome,
                Attempt::Stale(conflict) => {
                    *state = None;
                    retries += 1;
                    match self.engine.retry.pause_before(retries) {
                        None => return Err(conflict),
                        Some(pause) if pause.is_zero() => {}
                        Some(pause) => Box::pin(tokio::time::sleep(pause)).await,
                    }
                }
            }
        }
    }

    /// Decides on the newest state that is known, and appends. The slot is empty afterwards if its
    /// state is in doubt, also if this future is dropped or user code panics.
    ///
    /// The futures of its rare branches are boxed, so that the usual one stays small.
    async fn attempt(
        &self,
        stream: &StreamId,
        slot: &mut Option<Loaded<C::Aggregate>>,
        id: CommandId,
        metadata: &Arc<Metadata>,
    ) -> Attempt<C> {
        let (loaded, cached) = match slot.take() {
            Some(loaded) => (loaded, true),
            // What is to be created has no state; the append finds out whether it exists.
            None if C::CREATES => (Loaded::default(), false),
            None => {
                let load = load(&*self.engine.events, &*self.engine.snapshots, stream);
                match Box::pin(load).await {
                    Ok(loaded) => (loaded, false),
                    Err(error) => return Attempt::Done(Err(error.into())),
                }
            }
        };
        if C::CREATES && loaded.version > Version::ZERO {
            let found = loaded.version;
            *slot = Some(loaded);
            let conflict = VersionConflict::StreamExists { stream: stream.clone(), found };
            return Attempt::Done(Err(CommandError::Conflict(conflict)));
        }
        let now = self.engine.clock.now();
        let context = CommandContext::new(id, now, loaded.version, Metadata::clone(metadata));
        let decision = match self.command.decide(&loaded.state, &context) {
            Ok(decision) => decision,
            Err(refusal) => {
                let outcome = CommandError::Refused(refusal);
                let outcome = self.unless_stale(stream, slot, loaded, cached, Err(outcome));
                return Box::pin(outcome).await;
            }
        };
        if decision.events.is_empty() && self.id.is_none() {
            let done = Done {
                reply: decision.reply,
                position: loaded.position,
                version: loaded.version,
                events: 0,
                repeated: false,
            };
            let outcome = self.unless_stale(stream, slot, loaded, cached, Ok(done));
            return Box::pin(outcome).await;
        }
        let append = match self.prepare(stream, &loaded, &decision, metadata, now) {
            Ok(append) => append,
            Err(error) => return Attempt::Done(Err(error)),
        };
        match self.engine.events.append(append).await.map_err(CommandError::from) {
            Ok(appended) if appended.repeated => Attempt::Done(repeated::<C>(&appended)),
            Ok(appended) => {
                let (mut loaded, done) = advance::<C>(loaded, decision, &appended);
                if let Some(snapshot) = due_snapshot(stream, &mut loaded) {
                    Box::pin(self.save(stream, snapshot)).await;
                }
                *slot = Some(loaded);
                Attempt::Done(Ok(done))
            }
            Err(error @ (CommandError::Conflict(_) | CommandError::ConditionFailed { .. }))
                if !C::CREATES =>
            {
                Attempt::Stale(error)
            }
            Err(error) => Attempt::Done(Err(error)),
        }
    }

    /// Reports an outcome without events, unless the state that it was decided on is out of date.
    async fn unless_stale(
        &self,
        stream: &StreamId,
        slot: &mut Option<Loaded<C::Aggregate>>,
        loaded: Loaded<C::Aggregate>,
        cached: bool,
        outcome: Outcome<C>,
    ) -> Attempt<C> {
        if cached {
            match self.engine.events.stream_version(stream).await {
                Ok(found) if found == loaded.version => {}
                Ok(found) => {
                    return Attempt::Stale(CommandError::Conflict(VersionConflict::WrongVersion {
                        stream: stream.clone(),
                        expected: loaded.version,
                        found,
                    }));
                }
                Err(error) => return Attempt::Done(Err(error.into())),
            }
        }
        *slot = Some(loaded);
        Attempt::Done(outcome)
    }

    /// Encodes what was decided.
    fn prepare(
        &self,
        stream: &StreamId,
        loaded: &Loaded<C::Aggregate>,
        decision: &Decision<EventOf<C>, C::Reply>,
        metadata: &Arc<Metadata>,
        now: Timestamp,
    ) -> Result<Append, CommandError<C::Refusal>> {
        let events = decision.events.iter().map(|event| NewEvent::encode(event, metadata, now));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let expected = match loaded.version {
            Version::ZERO => ExpectedVersion::NoStream,
            version => ExpectedVersion::Exact(version),
        };
        let mut append = Append::one(stream.clone(), expected, events);
        append.inline = self.engine.inline.clone();
        append.command = self.id;
        if self.id.is_some() {
            append.reply = Some(encode_reply(&decision.reply)?);
        }
        Ok(append)
    }

    /// Saves a snapshot. Failing costs time at the next load and nothing else.
    async fn save(&self, stream: &StreamId, snapshot: Snapshot) {
        let aggregate = <C::Aggregate as Aggregate>::NAME;
        let key = SnapshotKey { stream: stream.clone(), aggregate };
        if let Err(error) = self.engine.snapshots.save_snapshot(&key, snapshot).await {
            tracing::warn!(%stream, %error, "the snapshot was not saved");
        }
    }
}

/// Moves the state on to where the append brought it.
fn advance<C: OnAggregate>(
    mut loaded: Loaded<C::Aggregate>,
    decision: Decision<EventOf<C>, C::Reply>,
    appended: &Appended,
) -> (Loaded<C::Aggregate>, Done<C::Reply>) {
    for event in &decision.events {
        loaded.state.evolve(event);
    }
    loaded.version = loaded.version.plus(decision.events.len());
    loaded.position = appended.position;
    let done = Done {
        reply: decision.reply,
        position: loaded.position,
        version: loaded.version,
        events: decision.events.len(),
        repeated: false,
    };
    (loaded, done)
}

/// What came of one attempt.
enum Attempt<C: Handled> {
    /// This is the outcome.
    Done(Outcome<C>),
    /// Somebody was faster; this is the outcome if no retry is left.
    Stale(CommandError<C::Refusal>),
}

pub(super) fn encode_reply<R: crate::command::Reply, X>(
    reply: &R,
) -> Result<Bytes, CommandError<X>> {
    match serde_json::to_vec(reply) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            Err(CommandError::Invalid { reason: format!("cannot encode the reply: {error}") })
        }
    }
}

pub(super) fn repeated<C: Handled>(first: &Appended) -> Outcome<C> {
    let reply = serde_json::from_slice(first.reply.as_deref().unwrap_or(b"null"));
    let reply = reply.map_err(|error| CommandError::Invalid {
        reason: format!("the id was used before, and the reply of then does not decode: {error}"),
    })?;
    Ok(Done {
        reply,
        position: first.position,
        version: first.versions.last().copied().unwrap_or_default(),
        events: 0,
        repeated: true,
    })
}

impl<C: Handled> IntoFuture for Execute<C> {
    type Output = Outcome<C>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Cancel safe: dropping the future leaves all of the command's events written, or none.
    fn into_future(self) -> Self::IntoFuture {
        <C::State as DecidedOn<C, C::Boundary>>::execute(self)
    }
}

impl<C: fmt::Debug> fmt::Debug for Execute<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Execute").field(&self.command).finish()
    }
}
