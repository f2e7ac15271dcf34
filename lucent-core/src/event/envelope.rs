//! Events on their way into a store, and as a store gives them back.
//!
//! Invariant: an event comes back from a store with every field that it was given.

use std::{borrow::Cow, sync::Arc};

use crate::{
    event::{Event, EventId, Metadata},
    payload::{EncodeError, Payload},
    position::{Position, Version},
    stream::StreamId,
    tag::Tag,
    time::Timestamp,
};

/// An event to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its identity.
    pub id: EventId,
    /// Its stored name.
    pub event_type: Cow<'static, str>,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// Its encoded payload.
    pub payload: Payload,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Where it comes from.
    pub metadata: Arc<Metadata>,
    /// When it was decided.
    pub recorded_at: Timestamp,
}

impl NewEvent {
    /// Encodes an event and gives it an id.
    ///
    /// # Errors
    /// When the event's `Serialize` fails or one of its tags is invalid.
    pub fn encode<E: Event>(
        event: &E,
        metadata: &Arc<Metadata>,
        now: Timestamp,
    ) -> Result<Self, EncodeError> {
        let event_type = event.event_type();
        Ok(Self {
            id: EventId::at(now),
            event_type: Cow::Borrowed(event_type.name),
            schema_version: event_type.version,
            payload: event.encode()?,
            tags: event.tags().map_err(|error| EncodeError { reason: error.to_string() })?,
            metadata: Arc::clone(metadata),
            recorded_at: now,
        })
    }

    /// The event as it reads once it stands at this place.
    #[must_use]
    pub fn into_recorded(
        self,
        stream: StreamId,
        version: Version,
        position: Position,
    ) -> RecordedEvent {
        RecordedEvent {
            position,
            stream,
            version,
            id: self.id,
            event_type: self.event_type,
            schema_version: self.schema_version,
            payload: self.payload,
            tags: self.tags,
            metadata: self.metadata,
            recorded_at: self.recorded_at,
        }
    }
}

/// An event that a store holds.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its identity.
    pub id: EventId,
    /// Its stored name.
    pub event_type: Cow<'static, str>,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// Its encoded payload.
    pub payload: Payload,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Where it comes from.
    pub metadata: Arc<Metadata>,
    /// When it was decided.
    pub recorded_at: Timestamp,
}

/// What a state can depend on of an event: not when, nor by whom it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamEvent<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Its place in the stream.
    pub version: Version,
    /// Its stored name.
    pub event_type: &'a str,
    /// The version of its payload's shape.
    pub schema_version: u32,
    /// Its encoded payload.
    pub payload: &'a Payload,
}

impl<'a> From<&'a RecordedEvent> for StreamEvent<'a> {
    fn from(event: &'a RecordedEvent) -> Self {
        Self {
            position: event.position,
            version: event.version,
            event_type: &event.event_type,
            schema_version: event.schema_version,
            payload: &event.payload,
        }
    }
}
