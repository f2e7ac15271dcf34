//! Encoded values and the name of their encoding.
//!
//! Invariant: bytes never travel without their content type.

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
        let mut data = Vec::with_capacity(256);
        serde_json::to_writer(&mut data, value)
            .map_err(|error| EncodeError { reason: error.to_string() })?;
        Ok(Self { content_type: ContentType::Json, data: data.into() })
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

/// A value that could not be encoded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cannot encode the value: {reason}")]
pub struct EncodeError {
    /// What the encoder said.
    pub reason: String,
}
