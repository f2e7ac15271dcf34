//! What makes a type an event.
//!
//! Invariant: what was stored once stays readable: each stored name and version has a type that
//! decodes it, or decoding fails with an error that names the event.

use crate::{
    event::{RecordedEvent, StreamEvent},
    payload::{EncodeError, Payload},
    position::Position,
    stream::StreamId,
    tag::{InvalidTag, Tag},
};

/// The stored name of a kind of event, and the version of its payload's shape.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventType {
    /// The stored name; it never changes once events are stored under it.
    pub name: &'static str,
    /// The version of the payload's shape, from 1.
    pub version: u32,
}

/// A closed set of events that can be stored and read back.
///
/// `#[derive(Event)]` writes this for an enum (one type per variant, named as the variant) and for
/// a struct (one type, named as the struct).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "write `#[derive(Serialize, Deserialize, Event)]` on the type"
)]
pub trait Event: Send + Sync + Sized + 'static {
    /// The name of the Rust type, for messages.
    const NAME: &'static str;

    /// Every type that this set writes and reads.
    const TYPES: &'static [EventType];

    /// The keys of the tags that each of [`Self::TYPES`] can have, in the same order; empty if they are
    /// not known.
    const TAG_KEYS: &'static [&'static [&'static str]] = &[];

    /// Stored names that are read and ignored: kinds of events that the domain gave up.
    const RETIRED: &'static [&'static str] = &[];

    /// The type of this event.
    fn event_type(&self) -> EventType;

    /// The tags of this event.
    ///
    /// # Errors
    /// When a tagged field's text does not fit into a tag.
    fn tags(&self) -> Result<Vec<Tag>, InvalidTag> {
        Ok(Vec::new())
    }

    /// Encodes the payload, without the type's name.
    ///
    /// # Errors
    /// When the type's `Serialize` fails.
    fn encode(&self) -> Result<Payload, EncodeError>;

    /// Decodes a stored payload of this type and version, older versions through their upcasts.
    ///
    /// # Errors
    /// When the name or version is unknown, or the payload does not decode.
    fn decode_payload(name: &str, version: u32, payload: &Payload) -> Result<Self, DecodeFault>;

    /// Decodes a recorded event; `None` if its type is retired.
    ///
    /// # Errors
    /// As [`Self::decode_payload`], with the event's place.
    fn decode(event: &RecordedEvent) -> Result<Option<Self>, DecodeError> {
        Self::decode_of(&event.stream, event.into())
    }

    /// As [`Self::decode`], of what a fold sees of an event.
    ///
    /// # Errors
    /// As [`Self::decode`].
    fn decode_of(stream: &StreamId, event: StreamEvent<'_>) -> Result<Option<Self>, DecodeError> {
        if Self::RETIRED.contains(&event.event_type) {
            return Ok(None);
        }
        Self::decode_payload(event.event_type, event.schema_version, event.payload)
            .map(Some)
            .map_err(|fault| DecodeError {
                stream: stream.clone(),
                position: event.position,
                event_type: event.event_type.to_owned(),
                events: Self::NAME,
                fault,
            })
    }

    /// Whether this set reads events of this stored name.
    #[must_use]
    fn knows(name: &str) -> bool {
        Self::TYPES.iter().any(|known| known.name == name)
    }
}

/// Why a payload could not be decoded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// No variant has this name.
    #[error(
        "its type is unknown: add a variant of that name, or list it in `#[event(retired(…))]`"
    )]
    UnknownType,
    /// Newer code wrote it.
    #[error(
        "its version {found} is newer than {known}, the newest that this code knows: update this program"
    )]
    NewerVersion {
        /// The stored version.
        found: u32,
        /// The newest known version.
        known: u32,
    },
    /// The bytes are not the payload of that type and version.
    #[error("its payload (version {version}) does not decode: {reason}")]
    Damaged {
        /// The stored version.
        version: u32,
        /// What the decoder said.
        reason: String,
    },
}

/// A recorded event that this code cannot read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot read event {position} (`{event_type}` of stream `{stream}`) as {events}: {fault}")]
pub struct DecodeError {
    /// The stream of the event.
    pub stream: StreamId,
    /// Its place in the log.
    pub position: Position,
    /// Its stored name.
    pub event_type: String,
    /// The type that it was to become.
    pub events: &'static str,
    /// What is wrong.
    pub fault: DecodeFault,
}
