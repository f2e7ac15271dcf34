//! Tags of events, the vocabulary of append conditions.
//!
//! Invariant: a [`Tag`] that exists is valid in every store.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A mark on an event, by custom `key:value`, such as `course:c1`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

impl Tag {
    /// The length limit in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks a tag and takes it.
    ///
    /// # Errors
    /// When it is empty, longer than [`Self::MAX_BYTES`] or holds a control character.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, InvalidTag> {
        let text = text.into();
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > Self::MAX_BYTES {
            "it is longer than 256 bytes"
        } else if text.chars().any(char::is_control) {
            "it holds a control character"
        } else {
            return Ok(Self(text));
        };
        Err(InvalidTag { text: text.chars().take(80).collect(), reason })
    }

    /// The tag `key:value`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(key: &str, value: impl fmt::Display) -> Result<Self, InvalidTag> {
        Self::new(format!("{key}:{value}"))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = InvalidTag;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.as_str().to_owned()
    }
}

/// What a field with `#[tag]` may hold: anything that prints, or an `Option` or a `Vec` of it.
///
/// `Kind` only keeps the implementations apart; it is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tag",
    label = "not something that prints",
    note = "put `#[tag]` on a text, a number, a `Uuid`, an aggregate's id, anything that implements `Display`, or an `Option` or a `Vec` of one of these"
)]
pub trait TagValue<Kind> {
    /// Adds the tags `key:value`: one, or none for `None`, or one per element.
    ///
    /// # Errors
    /// As [`Tag::of`].
    fn add_tags(&self, key: &str, tags: &mut Vec<Tag>) -> Result<(), InvalidTag>;
}

/// Kinds of [`TagValue`].
#[doc(hidden)]
pub mod kind {
    /// Something that prints.
    #[derive(Clone, Copy, Debug)]
    pub struct One;
    /// Several, or none, of a kind.
    #[derive(Clone, Copy, Debug)]
    pub struct Some<Kind>(Kind);
}

#[diagnostic::do_not_recommend]
impl<T: fmt::Display> TagValue<kind::One> for T {
    fn add_tags(&self, key: &str, tags: &mut Vec<Tag>) -> Result<(), InvalidTag> {
        tags.push(Tag::of(key, self)?);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<T: TagValue<Kind>, Kind> TagValue<kind::Some<Kind>> for Option<T> {
    fn add_tags(&self, key: &str, tags: &mut Vec<Tag>) -> Result<(), InvalidTag> {
        self.iter().try_for_each(|value| value.add_tags(key, &mut *tags))
    }
}

#[diagnostic::do_not_recommend]
impl<T: TagValue<Kind>, Kind> TagValue<kind::Some<Kind>> for Vec<T> {
    fn add_tags(&self, key: &str, tags: &mut Vec<Tag>) -> Result<(), InvalidTag> {
        self.iter().try_for_each(|value| value.add_tags(key, &mut *tags))
    }
}

/// A text that no tag can have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` cannot be a tag: {reason}")]
pub struct InvalidTag {
    /// The first 80 characters of the text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}
