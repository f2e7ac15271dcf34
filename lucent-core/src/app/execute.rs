//! Executing a command: load, decide, append, and once more if somebody was faster.
//!
//! Invariant: an outcome is reported only when the state that it was decided on is confirmed: a
//! refusal or an empty decision if that state was the newest one at some moment of the command, an
//! append by its expected version.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    app::{
        CommandError, Engine, Loaded,
        line::{Arrival, Entry, Ride, Slot},
        load::load,
    },
    command::{CommandContext, DecidedOn, Decision, EventOf, Handled, OnAggregate},
    event::{BusinessContext, CommandId, Metadata, NewEvent, RecordedEvent},
    position::{Position, Version},
    state::Evolve as _,
    store::{Appended, VersionConflict},
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
    fn origin(&self, now: Timestamp) -> Origin {
        let id = self.id.unwrap_or_else(|| CommandId::at(now));
        Origin { id, metadata: Arc::new(self.metadata(id)) }
    }

    /// Executes a command that is for an aggregate.
    pub(crate) async fn run(self) -> Outcome<C> {
        if let Some(id) = self.id
            && let Some(first) = self.engine.events.command_outcome(id).await?
        {
            return repeated::<C>(&first);
        }
        let mut origin = None;
        let slot = self.engine.caches.slot::<C::Aggregate>(self.command.aggregate_id())?;
        let mut alone = false;
        let mut retries = 0;
        loop {
            let decided = self.decide(&slot, &mut origin, alone).await;
            let Decided { outcome, is_new, ride } = match decided {
                Ok(Some(decided)) => decided,
                // What it was decided on has failed meanwhile.
                Ok(None) => continue,
                Err(outcome) => return outcome,
            };
            match ride.arrival().await {
                Arrival::Confirmed { position, snapshot } => {
                    if snapshot.is_due() {
                        Box::pin(snapshot.save::<C::Aggregate>(&self.engine, slot.stream())).await;
                    }
                    return outcome.map(|done| Done { position, ..done });
                }
                Arrival::Repeated(first) if self.id.is_some() => return repeated::<C>(&first),
                Arrival::Repeated(_) | Arrival::Discarded => {}
                Arrival::Crowded => alone = true,
                Arrival::Failed(error) => return Err(error.into()),
                Arrival::Stale(conflict) if C::CREATES && is_new => return Err(conflict.into()),
                Arrival::Stale(conflict) => {
                    retries += 1;
                    match self.engine.retry.pause_before(retries) {
                        None => return Err(conflict.into()),
                        Some(pause) if pause.is_zero() => {}
                        Some(pause) => Box::pin(tokio::time::sleep(pause)).await,
                    }
                }
            }
        }
    }

    /// Decides on the newest state, and puts the decision in line. `Err` is an outcome that nothing
    /// has to be waited for; `Ok(None)` means to try again.
    async fn decide(
        &self,
        slot: &Arc<Slot<C::Aggregate>>,
        origin: &mut Option<Origin>,
        alone: bool,
    ) -> Result<Option<Decided<C>>, Outcome<C>> {
        let mut turn = slot.turn().await;
        let (known, is_settled) = turn.take();
        let (mut loaded, is_cached) = match known {
            Some(loaded) => (loaded, true),
            // What is to be created has no state; the append finds out whether it exists.
            None if C::CREATES => (Loaded::default(), false),
            None => {
                let loaded = Box::pin(async {
                    turn.quiet().await;
                    load(&*self.engine.events, &*self.engine.snapshots, slot.stream()).await
                });
                (loaded.await.map_err(|error| Err(error.into()))?, false)
            }
        };
        let base = loaded.version;
        let mut entry = Entry { alone, ..Entry::empty() };
        let outcome = if C::CREATES && base > Version::ZERO {
            let conflict =
                VersionConflict::StreamExists { stream: slot.stream().clone(), found: base };
            if is_settled {
                turn.put_back(loaded);
                return Err(Err(CommandError::Conflict(conflict)));
            }
            Err(CommandError::Conflict(conflict))
        } else {
            let now = self.engine.clock.now();
            let Origin { id, metadata } = origin.get_or_insert_with(|| self.origin(now));
            let context = CommandContext::new(*id, now, base, Arc::clone(metadata));
            match self.command.decide(&loaded.state, &context) {
                Err(refusal) => Err(CommandError::Refused(refusal)),
                Ok(decision) => match self.prepare(&decision, metadata, now, &mut entry) {
                    Err(error) => {
                        turn.put_back(loaded);
                        return Err(Err(error));
                    }
                    Ok(()) => Ok(advance::<C>(&mut loaded, decision)),
                },
            }
        };
        if entry.events.is_empty() && entry.command.is_none() && !is_cached {
            // It was decided on a state that nobody had changed since the command came.
            turn.put_back(loaded);
            return Err(outcome);
        }
        let is_new = base == Version::ZERO && !entry.events.is_empty();
        let ride = turn.join(&self.engine, base, loaded, entry);
        Ok(ride.map(|ride| Decided { outcome, is_new, ride }))
    }

    /// Encodes what was decided.
    fn prepare(
        &self,
        decision: &Decision<EventOf<C>, C::Reply>,
        metadata: &Arc<Metadata>,
        now: Timestamp,
        entry: &mut Entry<NewEvent>,
    ) -> Result<(), CommandError<C::Refusal>> {
        let events = decision.events.iter().map(|event| NewEvent::encode(event, metadata, now));
        entry.events = events.collect::<Result<Vec<_>, _>>()?;
        entry.bytes = entry.events.iter().map(|event| event.payload.data.len()).sum();
        if let Some(id) = self.id {
            entry.command = Some((id, encode_reply(&decision.reply)?));
        }
        Ok(())
    }
}

/// Moves the state on to where the decision brings it.
fn advance<C: OnAggregate>(
    loaded: &mut Loaded<C::Aggregate>,
    decision: Decision<EventOf<C>, C::Reply>,
) -> Done<C::Reply> {
    for event in &decision.events {
        loaded.state.evolve(event);
    }
    loaded.version = loaded.version.plus(decision.events.len());
    Done {
        reply: decision.reply,
        position: loaded.position,
        version: loaded.version,
        events: decision.events.len(),
        repeated: false,
    }
}

/// What a command's events have in common; the same in each attempt.
struct Origin {
    id: CommandId,
    metadata: Arc<Metadata>,
}

/// A decision that waits for the store.
struct Decided<C: Handled> {
    /// What is reported if its group is confirmed.
    outcome: Outcome<C>,
    /// Whether it has the first events of the aggregate.
    is_new: bool,
    ride: Ride,
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
