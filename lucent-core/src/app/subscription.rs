//! Following the log: what is there, then what comes.
//!
//! Invariant: there is no seam between the two. Each page starts where the last one ended, and
//! waiting starts from the same place.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    event::RecordedEvent,
    position::Position,
    store::{EventFilter, EventStore, LogRead, StoreError},
};

/// The events of the log after a position, without end.
#[derive(Debug)]
pub struct Subscription {
    store: Arc<dyn EventStore>,
    filter: EventFilter,
    waiting: VecDeque<RecordedEvent>,
    /// Everything up to here is delivered or waits in `waiting`.
    read: Position,
    /// Everything up to here is delivered.
    delivered: Position,
    at_end: bool,
}

impl Subscription {
    /// Follows a store's log from after a position.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, filter: EventFilter, after: Position) -> Self {
        let waiting = VecDeque::new();
        Self { store, filter, waiting, read: after, delivered: after, at_end: false }
    }

    /// The next event; waits until there is one.
    ///
    /// Cancel safe: dropping the future loses no event.
    ///
    /// # Errors
    /// When the store fails. Calling again goes on where it failed.
    pub async fn next(&mut self) -> Result<RecordedEvent, StoreError> {
        loop {
            if let Some(event) = self.try_next().await? {
                return Ok(event);
            }
            self.store.wait_past(self.read).await?;
            self.at_end = false;
        }
    }

    /// The next event, or `None` if everything that was in the log is delivered.
    ///
    /// Cancel safe: dropping the future loses no event.
    ///
    /// # Errors
    /// When the store fails. Calling again goes on where it failed.
    pub async fn try_next(&mut self) -> Result<Option<RecordedEvent>, StoreError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.delivered = event.position;
                return Ok(Some(event));
            }
            self.delivered = self.read;
            if std::mem::take(&mut self.at_end) {
                return Ok(None);
            }
            let page = self.store.read_log(LogRead::after(self.filter.clone(), self.read)).await?;
            self.read = page.through;
            self.waiting = page.events.into();
            self.at_end = page.end;
        }
    }

    /// The position to follow from another time: everything up to it is delivered or filtered out.
    #[must_use]
    pub fn position(&self) -> Position {
        self.delivered
    }

    /// The subscription as a stream; it ends after an error.
    pub fn into_stream(
        self,
    ) -> impl futures::Stream<Item = Result<RecordedEvent, StoreError>> + Send {
        futures::stream::unfold(Some(self), |subscription| async {
            let mut subscription = subscription?;
            match subscription.next().await {
                Ok(event) => Some((Ok(event), Some(subscription))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}
