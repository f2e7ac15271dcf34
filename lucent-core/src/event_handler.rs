//! Reactions to events: effects outside of the store.
//!
//! Invariant: an event reaches its handler at least once, in the order of its stream; the handler's
//! checkpoint moves only after it has succeeded.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    event::RecordedEvent,
    resource::{MissingResource, Shell},
    store::EventFilter,
};

/// An `#[event_handler]` function, as the engine sees it.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// The durable name, under which its checkpoint is kept.
    fn name(&self) -> &'static str;

    /// Which events it sees.
    fn filter(&self) -> EventFilter;

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

/// Why a handler failed.
#[derive(Debug)]
pub struct HandlerFault(Box<dyn std::error::Error + Send + Sync>);

impl HandlerFault {
    /// Takes any error.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
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
