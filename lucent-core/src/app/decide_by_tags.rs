//! Executing a command on decision models: read what they are built from, decide, append on condition
//! that nothing more of it has happened.
//!
//! Invariant: every outcome is decided on all events of the models up to a position, and appended
//! only if no later event is of the models; nothing is kept between two commands.

use std::sync::Arc;

use crate::{
    app::{
        CommandError, Engine, Execute, LoadError,
        execute::{Done, Outcome, encode_reply, repeated},
    },
    command::{CommandContext, Decision, EventOf, Handled},
    decision_model::{ModelQuery, Models},
    event::{CommandId, Metadata, NewEvent},
    position::{Position, Version},
    store::{Append, AppendCondition, EventFilter, EventQuery, LogRead},
    time::Timestamp,
};

/// The models of a command, as far as they are read.
struct Built<M> {
    models: M,
    query: ModelQuery,
    events: EventQuery,
    /// How many events they are built from.
    version: Version,
    /// Every event of theirs up to here is in them.
    through: Position,
}

impl<M> Built<M> {
    /// The models before their first events.
    fn new<C>(command: &C) -> Result<Self, CommandError<C::Refusal>>
    where
        C: Handled,
        M: Models<C>,
    {
        let models = M::start(command);
        let query =
            models.query().map_err(|error| CommandError::Invalid { reason: error.to_string() })?;
        let events = query.events();
        Ok(Self { models, query, events, version: Version::ZERO, through: Position::ZERO })
    }

    /// Reads on to the end of the log.
    async fn read_on<C>(&mut self, engine: &Engine) -> Result<(), LoadError>
    where
        M: Models<C>,
    {
        loop {
            let filter = EventFilter::from(self.events.clone());
            let page = engine.events.read_log(LogRead::after(filter, self.through)).await?;
            for event in &page.events {
                self.models.apply(&self.query, event)?;
            }
            self.version = self.version.plus(page.events.len());
            self.through = page.through;
            if page.end {
                return Ok(());
            }
        }
    }
}

/// What came of one attempt.
enum Attempt<C: Handled> {
    /// This is the outcome.
    Done(Outcome<C>),
    /// Somebody was faster; this is the outcome if no retry is left.
    Stale(CommandError<C::Refusal>),
}

impl<C, M> Execute<C>
where
    C: Handled<State = M>,
    M: Models<C>,
{
    /// Executes a command that is decided on decision models.
    pub(crate) async fn on_models(self) -> Outcome<C> {
        let mut built = Built::new(&self.command)?;
        if let Some(first) = self.first_outcome().await {
            return first;
        }
        let id = self.id.unwrap_or_else(CommandId::new);
        let metadata = Arc::new(self.metadata(id));
        let turn = self.engine.turns.take(built.query.items()).await;
        let mut retries = 0;
        let outcome = loop {
            if let Err(error) = built.read_on::<C>(&self.engine).await {
                break Err(error.into());
            }
            match self.decide_on(&built, id, &metadata).await {
                Attempt::Done(outcome) => break outcome,
                Attempt::Stale(conflict) => {
                    retries += 1;
                    match self.engine.retry.pause_before(retries) {
                        None => break Err(conflict),
                        Some(pause) if pause.is_zero() => {}
                        Some(pause) => Box::pin(tokio::time::sleep(pause)).await,
                    }
                }
            }
        };
        drop(turn);
        outcome
    }

    /// What the command did the first time, if its id was used before.
    async fn first_outcome(&self) -> Option<Outcome<C>> {
        match self.engine.events.command_outcome(self.id?).await {
            Ok(first) => first.map(|first| repeated::<C>(&first)),
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn decide_on(
        &self,
        built: &Built<M>,
        id: CommandId,
        metadata: &Arc<Metadata>,
    ) -> Attempt<C> {
        let now = self.engine.clock.now();
        let context = CommandContext::new(id, now, built.version, Arc::clone(metadata));
        let decision = match self.command.decide(&built.models, &context) {
            Ok(decision) => decision,
            Err(refusal) => {
                // Perhaps what it was refused for is what the command did the first time.
                let first = self.first_outcome().await;
                let refused = || Err(CommandError::Refused(refusal));
                return Attempt::Done(first.unwrap_or_else(refused));
            }
        };
        if decision.events.is_empty() && self.id.is_none() {
            return Attempt::Done(Ok(Done {
                reply: decision.reply,
                position: built.through,
                version: Version::ZERO,
                events: 0,
                repeated: false,
            }));
        }
        let append = match self.append_of(built, &decision, metadata, now) {
            Ok(append) => append,
            Err(error) => return Attempt::Done(Err(error)),
        };
        match self.engine.events.append(append).await.map_err(CommandError::from) {
            Ok(appended) if appended.repeated => Attempt::Done(repeated::<C>(&appended)),
            Ok(appended) => Attempt::Done(Ok(Done {
                reply: decision.reply,
                position: appended.position,
                version: appended.versions.last().copied().unwrap_or_default(),
                events: decision.events.len(),
                repeated: false,
            })),
            Err(error @ (CommandError::Conflict(_) | CommandError::ConditionFailed { .. })) => {
                Attempt::Stale(error)
            }
            Err(error) => Attempt::Done(Err(error)),
        }
    }

    /// Encodes what was decided.
    fn append_of(
        &self,
        built: &Built<M>,
        decision: &Decision<EventOf<C>, C::Reply>,
        metadata: &Arc<Metadata>,
        now: Timestamp,
    ) -> Result<Append, CommandError<C::Refusal>> {
        let invalid = |reason: String| CommandError::Invalid { reason };
        let events = decision.events.iter().map(|event| NewEvent::encode(event, metadata, now));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        built.query.check(&events).map_err(|error| invalid(error.to_string()))?;
        let reply = match self.id {
            Some(_) => Some(encode_reply(&decision.reply)?),
            None => None,
        };
        Ok(Append {
            writes: ModelQuery::divide(events).map_err(|error| invalid(error.to_string()))?,
            condition: Some(AppendCondition { query: built.events.clone(), after: built.through }),
            command: self.id,
            reply,
            joined: Vec::new(),
            inline: self.engine.inline.clone(),
        })
    }
}
