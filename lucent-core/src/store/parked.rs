//! Events that a projection has set aside.
//!
//! Invariant: they stand in lines, in the order of the log; who comes after a parked event of the
//! same key stands in line behind it.

use std::{collections::BTreeMap, fmt};

use crate::{
    position::Position,
    projection::ProjectionError,
    store::{DocumentKey, ProjectionId},
    stream::StreamId,
};

/// What a line of parked events is about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ParkedKey {
    /// A document: an event could not be applied to it, and those after it wait.
    Document(DocumentKey),
    /// A stream: one of its events could not be read, so nobody knows which documents it is about.
    /// Later events of the stream wait in the lines of their own documents.
    Stream(StreamId),
}

impl fmt::Display for ParkedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(key) => write!(f, "document `{key}`"),
            Self::Stream(stream) => write!(f, "stream `{stream}`"),
        }
    }
}

impl From<DocumentKey> for ParkedKey {
    fn from(key: DocumentKey) -> Self {
        Self::Document(key)
    }
}

impl From<&str> for ParkedKey {
    /// The document of this key.
    fn from(key: &str) -> Self {
        Self::Document(key.into())
    }
}

impl From<StreamId> for ParkedKey {
    fn from(stream: StreamId) -> Self {
        Self::Stream(stream)
    }
}

/// An event's part in one document, or a whole event that could not be read, set aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParkedEvent {
    /// The line in which it stands.
    pub key: ParkedKey,
    /// Its position.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its stored name.
    pub event_type: String,
    /// Why it failed; `None` if it only waits behind one that did.
    pub reason: Option<String>,
}

/// A line of parked events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParkedLine {
    /// The first of the line: the one that failed.
    pub first: ParkedEvent,
    /// How many stand in it, the first included.
    pub events: u64,
}

/// Everything that a projection has set aside.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parked {
    /// How often it was changed; see [`ProjectionCommit::revision`](super::ProjectionCommit).
    pub revision: u64,
    /// The lines, in the order of their keys.
    pub lines: Vec<ParkedLine>,
}

/// What becomes of a parked event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParkedChange {
    /// It is set aside, or was, and its reason is a new one.
    Park(ParkedEvent),
    /// It is taken out of its line, if it stands there.
    Release {
        /// The line.
        key: ParkedKey,
        /// The event's position.
        position: Position,
    },
}

/// A version of a projection in a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoredVersion {
    /// Which version.
    pub version: u32,
    /// How far it has come.
    pub checkpoint: Position,
    /// Whether queries are answered from it.
    pub active: bool,
}

/// The keys whose events have to wait, with the position of the first one of each line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ParkedKeys {
    lines: BTreeMap<ParkedKey, Position>,
    all_but: Option<DocumentKey>,
}

impl ParkedKeys {
    /// Nothing has to wait.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The events of every document but this one have to wait.
    #[must_use]
    pub fn all_but(key: DocumentKey) -> Self {
        Self { lines: BTreeMap::new(), all_but: Some(key) }
    }

    /// Whether nothing has to wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.all_but.is_none()
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether events of this document have to wait.
    #[must_use]
    pub fn holds_document(&self, key: &DocumentKey) -> bool {
        match &self.all_but {
            Some(free) => key != free,
            None => {
                !self.lines.is_empty() && self.lines.contains_key(&ParkedKey::Document(key.clone()))
            }
        }
    }

    /// Whether events of this stream have to wait.
    #[must_use]
    pub fn holds_stream(&self, stream: &StreamId) -> bool {
        !self.lines.is_empty() && self.lines.contains_key(&ParkedKey::Stream(stream.clone()))
    }

    /// The position of the first event of a line.
    #[must_use]
    pub fn first(&self, key: &ParkedKey) -> Option<Position> {
        self.lines.get(key).copied()
    }

    /// The lines and the positions of their first events.
    pub fn iter(&self) -> impl Iterator<Item = (&ParkedKey, Position)> {
        self.lines.iter().map(|(key, first)| (key, *first))
    }

    /// Has a key wait from a position on, unless it does from an earlier one.
    pub fn hold(&mut self, key: ParkedKey, from: Position) {
        let first = self.lines.entry(key).or_insert(from);
        *first = from.min(*first);
    }
}

impl From<&Parked> for ParkedKeys {
    fn from(parked: &Parked) -> Self {
        let lines = parked.lines.iter().map(|line| (line.first.key.clone(), line.first.position));
        Self { lines: lines.collect(), all_but: None }
    }
}

impl ParkedEvent {
    /// Why it failed, as an error of its projection.
    #[must_use]
    pub fn to_error(&self, projection: &ProjectionId) -> Option<ProjectionError> {
        Some(ProjectionError {
            projection: projection.clone(),
            position: self.position,
            stream: self.stream.clone(),
            event_type: self.event_type.clone(),
            reason: self.reason.clone()?,
        })
    }
}
