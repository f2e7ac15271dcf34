//! Reactions to events: effects outside of the store.
//!
//! Invariant: an event reaches its handler at least once, in the order of its stream; the handler's
//! checkpoint moves only after it has succeeded.

use std::{fmt, future::Future, marker::PhantomData, sync::Arc};

use async_trait::async_trait;

use crate::{
    event::{Event, RecordedEvent},
    query::ReadError,
    resource::{MissingResource, Shell},
    store::{EventFilter, EventQuery},
};

/// An `#[event_handler]` function, as the engine sees it.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// The durable name, under which its checkpoint is kept.
    fn name(&self) -> &'static str;

    /// Which events it sees.
    fn filter(&self) -> EventFilter;

    /// Into how many parts its streams are divided, which nodes share; at least one.
    fn partitions(&self) -> u32 {
        1
    }

    /// How many events it handles at most before its checkpoint is committed. At the end of the log
    /// it is committed at once.
    fn checkpoint_every(&self) -> u32 {
        CHECKPOINT_EVERY
    }

    /// Checks at the start that everything that the function asks for is there.
    ///
    /// # Errors
    /// What is missing.
    fn check(&self, shell: &Shell) -> Result<(), MissingResource>;

    /// Runs the function on one event.
    ///
    /// # Errors
    /// What the function returned, or why the event does not decode. The event is tried again.
    async fn handle(&self, event: &RecordedEvent, shell: &Shell) -> Result<(), HandlerFault>;
}

/// A handler that is shared by the registry and its worker.
pub type SharedEventHandler = Arc<dyn EventHandler>;

/// An `#[event_handler]` function with its types. The attribute writes this.
pub trait Reaction: Send + Sync + 'static {
    /// The events that it sees.
    type Event: Event;

    /// The durable name, under which its checkpoint is kept.
    const NAME: &'static str;

    /// Into how many parts its streams are divided, which nodes share.
    const PARTITIONS: u32 = 1;

    /// How many events it handles at most before its checkpoint is committed.
    const CHECKPOINT_EVERY: u32 = CHECKPOINT_EVERY;

    /// Checks at the start that everything that the function asks for is there.
    ///
    /// # Errors
    /// What is missing.
    fn check(shell: &Shell) -> Result<(), MissingResource>;

    /// Runs the function.
    ///
    /// # Errors
    /// What the function returned.
    fn react(
        event: &Self::Event,
        at: &RecordedEvent,
        shell: &Shell,
    ) -> impl Future<Output = Result<(), HandlerFault>> + Send;
}

/// A reaction with its types, as an [`EventHandler`]: events that its set does not know, and
/// retired ones, pass by.
#[derive(Debug)]
pub struct TypedEventHandler<R>(PhantomData<R>);

impl<R> TypedEventHandler<R> {
    /// Wraps a reaction.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for TypedEventHandler<R> {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl<R: Reaction> EventHandler for TypedEventHandler<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn filter(&self) -> EventFilter {
        EventQuery::types(R::Event::TYPES.iter().map(|known| known.name)).into()
    }

    fn partitions(&self) -> u32 {
        R::PARTITIONS
    }

    fn checkpoint_every(&self) -> u32 {
        R::CHECKPOINT_EVERY
    }

    fn check(&self, shell: &Shell) -> Result<(), MissingResource> {
        R::check(shell)
    }

    async fn handle(&self, event: &RecordedEvent, shell: &Shell) -> Result<(), HandlerFault> {
        if !R::Event::knows(&event.event_type) {
            return Ok(());
        }
        match R::Event::decode(event).map_err(HandlerFault::new)? {
            Some(decoded) => R::react(&decoded, event, shell).await,
            None => Ok(()),
        }
    }
}

/// Why a handler failed.
#[derive(Debug)]
pub struct HandlerFault(Box<dyn std::error::Error + Send + Sync>);

impl HandlerFault {
    /// Takes any error.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl From<ReadError> for HandlerFault {
    fn from(error: ReadError) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for HandlerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What an event handler may return: nothing, or a `Result` of nothing.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`",
    note = "return nothing, or `Result<(), Error>`"
)]
pub trait HandlerOutcome {
    /// Takes the outcome out.
    ///
    /// # Errors
    /// What the function returned.
    fn into_outcome(self) -> Result<(), HandlerFault>;
}

impl HandlerOutcome for () {
    fn into_outcome(self) -> Result<(), HandlerFault> {
        Ok(())
    }
}

impl<X: Into<Box<dyn std::error::Error + Send + Sync>>> HandlerOutcome for Result<(), X> {
    fn into_outcome(self) -> Result<(), HandlerFault> {
        self.map_err(HandlerFault::new)
    }
}

/// How many events may come again after a crash, unless a handler says otherwise.
const CHECKPOINT_EVERY: u32 = 100;
