//! What an operator can do to an event handler while it runs.
//!
//! Invariant: the parked events of a stream are handled in the order of the log, one at a time.

use std::{fmt, sync::Arc};

use crate::{
    app::{
        Engine,
        event_worker::{handle, parked_event},
        handler_part::HandlerPart,
        parked_lines::event_at,
        running_handler::{EventHandlerStatus, RunningHandler},
    },
    position::Position,
    store::{CommitError, ParkedChange, ParkedEvent, ParkedKey, ParkedLine, StoreError},
    stream::StreamId,
};

/// An event handler of a running application, and its parked events.
///
/// [`App::event_handler`](crate::App::event_handler) gives it.
#[derive(Clone)]
pub struct EventHandlerHandle {
    engine: Arc<Engine>,
    running: Arc<RunningHandler>,
}

/// Why an event handler cannot do what was asked of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerControlError {
    /// No event handler of that name runs in this application.
    #[error("this application runs no event handler `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// No event of that stream is parked.
    #[error("event handler `{handler}` has parked no event of stream `{stream}`")]
    NotParked {
        /// Which handler.
        handler: &'static str,
        /// The stream.
        stream: StreamId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of handling parked events again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rehandled {
    /// How many events were handled.
    pub handled: u64,
    /// The event that failed again; later ones of its stream still wait.
    pub failed: Option<ParkedEvent>,
}

impl EventHandlerHandle {
    pub(crate) fn find(engine: &Arc<Engine>, name: &str) -> Result<Self, HandlerControlError> {
        let mut running = engine.handlers.iter();
        match running.find(|running| running.handler.name() == name) {
            Some(running) => Ok(Self { engine: Arc::clone(engine), running: Arc::clone(running) }),
            None => Err(HandlerControlError::Unknown { name: name.to_owned() }),
        }
    }

    /// How far it has come, with the end of the log as it is now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<EventHandlerStatus, HandlerControlError> {
        self.running.look().await?;
        self.running.saw_head(self.engine.events.head().await?);
        Ok(self.running.status())
    }

    /// The streams with parked events, each with the event that failed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parked(&self) -> Result<Vec<ParkedLine>, HandlerControlError> {
        Ok(self.running.parked().await?.lines)
    }

    /// Handles the parked events of a stream, in the order of the log, until one fails.
    ///
    /// # Errors
    /// [`HandlerControlError::NotParked`], or when the store fails. That an event fails again is no
    /// error of this method; see [`Rehandled::failed`].
    ///
    /// # Cancel safety
    /// An event whose handling was dropped stays parked; its effect may have happened.
    pub async fn retry(&self, stream: &StreamId) -> Result<Rehandled, HandlerControlError> {
        let part = self.running.part_of(stream);
        let _repairing = part.repairing.lock().await;
        first(part, stream).await?;
        self.handle_line(part, stream).await
    }

    /// Gives up the event of a stream that failed: it is never handled. Then what waited behind it is
    /// handled.
    ///
    /// # Errors
    /// [`HandlerControlError::NotParked`], or when the store fails.
    pub async fn drop_parked(
        &self,
        stream: &StreamId,
    ) -> Result<(ParkedEvent, Rehandled), HandlerControlError> {
        let part = self.running.part_of(stream);
        let _repairing = part.repairing.lock().await;
        let dropped = first(part, stream).await?;
        change(part, release(stream, dropped.position)).await?;
        let position = dropped.position.get();
        tracing::warn!(handler = part.handler.name(), %stream, position, "a parked event was dropped");
        Ok((dropped, self.handle_line(part, stream).await?))
    }

    async fn handle_line(
        &self,
        part: &HandlerPart,
        stream: &StreamId,
    ) -> Result<Rehandled, HandlerControlError> {
        let mut rehandled = Rehandled::default();
        let outcome = loop {
            let first = match first(part, stream).await {
                Ok(first) => first,
                Err(HandlerControlError::NotParked { .. }) => break Ok(()),
                Err(error) => break Err(error),
            };
            let event = event_at(&*self.engine.events, first.position).await?;
            match handle(part, &self.engine.shell, &event).await {
                Ok(()) => change(part, release(stream, first.position)).await?,
                Err(fault) => {
                    let failed = parked_event(&event, Some(&fault));
                    change(part, ParkedChange::Park(failed.clone())).await?;
                    rehandled.failed = Some(failed);
                    break Ok(());
                }
            }
            rehandled.handled += 1;
        };
        part.changed.notify_one();
        outcome.map(|()| rehandled)
    }
}

impl fmt::Debug for EventHandlerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventHandlerHandle").field(&self.running.handler.name()).finish()
    }
}

async fn first(part: &HandlerPart, stream: &StreamId) -> Result<ParkedEvent, HandlerControlError> {
    let key = ParkedKey::Stream(stream.clone());
    let line = part.checkpoints.parked_events(&part.id, &key, 1).await?;
    line.into_iter().next().ok_or_else(|| HandlerControlError::NotParked {
        handler: part.handler.name(),
        stream: stream.clone(),
    })
}

/// Changes what is parked, wherever the worker has come meanwhile.
async fn change(part: &HandlerPart, change: ParkedChange) -> Result<(), StoreError> {
    loop {
        let mut standing = part.stored().await?;
        let to = standing.checkpoint;
        match part.commit(&mut standing, to, Some(change.clone())).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Store(error)) => return Err(error),
            Err(_) => {}
        }
    }
}

fn release(stream: &StreamId, position: Position) -> ParkedChange {
    ParkedChange::Release { key: ParkedKey::Stream(stream.clone()), position }
}
