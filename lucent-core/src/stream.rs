//! Names of streams.
//!
//! Invariant: a [`StreamId`] that exists is valid in every store, so stores never check it again.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The name of a stream, such as `account-0198c5…`.
///
/// The part before the first `-` is the category. Any printable Unicode text of 1 to
/// [`StreamId::MAX_BYTES`] bytes is allowed; control characters are not.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// The length limit of a name in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Checks a name and takes it.
    ///
    /// # Errors
    /// When the name is empty, longer than [`Self::MAX_BYTES`] or holds a control character.
    ///
    /// ```
    /// use lucent_core::StreamId;
    /// let stream = StreamId::new("account-42")?;
    /// assert_eq!((stream.category(), stream.key()), ("account", "42"));
    /// assert!(StreamId::new("a\0b").is_err());
    /// # Ok::<(), lucent_core::InvalidStreamId>(())
    /// ```
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, InvalidStreamId> {
        let name = name.into();
        match fault(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(InvalidStreamId { name: name.chars().take(80).collect(), reason }),
        }
    }

    /// The stream `category-key`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(category: &str, key: impl fmt::Display) -> Result<Self, InvalidStreamId> {
        use fmt::Write as _;
        let mut name = ShortText::<USUAL_BYTES>::default();
        if write!(name, "{category}-{key}").is_ok() {
            return Self::new(name.as_str());
        }
        // Longer than most, or a key that fails to print.
        let mut name = String::new();
        match write!(name, "{category}-{key}") {
            Ok(()) => Self::new(name),
            Err(_) => Err(InvalidStreamId {
                name: category.to_owned(),
                reason: "its key cannot be printed",
            }),
        }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `-`, or the whole name if there is none.
    #[must_use]
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }

    /// The part after the first `-`, or the whole name if there is none.
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(_, key)| key)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StreamId {
    type Error = InvalidStreamId;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<StreamId> for String {
    fn from(stream: StreamId) -> Self {
        stream.as_str().to_owned()
    }
}

/// A name that no stream can have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` cannot name a stream: {reason}")]
pub struct InvalidStreamId {
    /// The first 80 characters of the name.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > StreamId::MAX_BYTES {
        Some("it is longer than 512 bytes")
    } else if !is_plain(name) && name.chars().any(char::is_control) {
        Some("it holds a control character")
    } else {
        None
    }
}

/// Room for a category and a UUID.
const USUAL_BYTES: usize = 96;

/// A text on the stack.
struct ShortText<const ROOM: usize> {
    bytes: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> ShortText<ROOM> {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl<const ROOM: usize> Default for ShortText<ROOM> {
    fn default() -> Self {
        Self { bytes: [0; ROOM], length: 0 }
    }
}

impl<const ROOM: usize> fmt::Write for ShortText<ROOM> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Whether the name is printable ASCII: the usual case, found out without decoding it.
fn is_plain(name: &str) -> bool {
    // Without a way out in the middle, so that many bytes are looked at in one step.
    name.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_printable_names_are_allowed() {
        for name in ["a", "-", "a-", "конто-42", "a b/c%'\"\\-ü-$", "emoji-🦀"] {
            assert_eq!(StreamId::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn empty_long_and_control_names_are_refused() {
        for name in [String::new(), "x".repeat(513), "a\nb".into(), "a\0".into(), "a\u{85}".into()]
        {
            assert!(StreamId::new(name).is_err());
        }
    }
}
