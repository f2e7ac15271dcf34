//! Encoded values and the name of their encoding.
//!
//! Invariant: bytes never travel without their content type.

use std::cell::Cell;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// How a payload is encoded.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ContentType {
    /// `application/json`: the default; readable by plain SQL.
    #[default]
    Json,
    /// `application/octet-stream`: bytes that only the user's code understands.
    Binary,
}

impl ContentType {
    /// The media type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Binary => "application/octet-stream",
        }
    }

    /// The content type of this media type, if it is known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Json, Self::Binary].into_iter().find(|known| known.as_str() == text)
    }
}

/// An encoded value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Payload {
    /// How the bytes are encoded.
    pub content_type: ContentType,
    /// The bytes.
    pub data: Bytes,
}

impl Payload {
    /// Encodes a value as JSON.
    ///
    /// # Errors
    /// When the value's `Serialize` fails, for example on a map whose keys are not texts.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let mut room = ROOM.take();
        room.clear();
        serde_json::to_writer(&mut room, value)
            .map_err(|error| EncodeError { reason: error.to_string() })?;
        let data = if room.len() > MOST_COPIED {
            Bytes::from(room)
        } else {
            // Most events are small, and are kept for a while: they take no more than they need.
            let data = Bytes::copy_from_slice(&room);
            ROOM.set(room);
            data
        };
        Ok(Self { content_type: ContentType::Json, data })
    }

    /// Takes bytes as they are.
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self { content_type: ContentType::Binary, data: data.into() }
    }

    /// Decodes a JSON value.
    ///
    /// # Errors
    /// When the content type is another one, or the bytes are not a `T`.
    pub fn to_json<T: DeserializeOwned>(&self) -> Result<T, String> {
        match self.content_type {
            ContentType::Json => {
                serde_json::from_slice(&self.data).map_err(|error| error.to_string())
            }
            other => Err(format!("its content type is {}, not JSON", other.as_str())),
        }
    }
}

/// What is larger is handed on in the room that it was written to.
const MOST_COPIED: usize = 4 << 10;

thread_local! {
    /// Where values are written before their size is known. A value that encodes another one while
    /// it is encoded finds it empty, which costs an allocation.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A value that could not be encoded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot encode the value: {reason}")]
pub struct EncodeError {
    /// What the encoder said.
    pub reason: String,
}
