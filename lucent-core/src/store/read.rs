//! Reading in pages.
//!
//! Invariant: pages are cut by count and by bytes, so that any log is read in flat memory; cursors
//! are exclusive, so that a page's end is the next page's start.

use crate::{
    event::RecordedEvent,
    position::{Position, Version},
    store::EventFilter,
    stream::StreamId,
};

/// Where a read starts and which way it goes; the start itself is left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadFrom<P> {
    /// Upwards, from the first one after this.
    After(P),
    /// Downwards, from the last one before this.
    Before(P),
}

/// How large a page may be. A page that is not at the end holds at least one event, however large.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageLimit {
    /// The most events; 0 counts as 1.
    pub events: usize,
    /// The most payload bytes, not counting the first event's.
    pub bytes: usize,
}

impl PageLimit {
    /// A limit of events, with the default limit of bytes.
    #[must_use]
    pub fn events(events: usize) -> Self {
        Self { events: events.max(1), ..Self::default() }
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self { events: 1_000, bytes: 8 << 20 }
    }
}

/// A request for a page of one stream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamRead {
    /// The stream.
    pub stream: StreamId,
    /// Where to start.
    pub from: ReadFrom<Version>,
    /// How much to read.
    pub limit: PageLimit,
}

impl StreamRead {
    /// The first page of a stream.
    #[must_use]
    pub fn forward(stream: StreamId) -> Self {
        Self::after(stream, Version::ZERO)
    }

    /// The page after this version.
    #[must_use]
    pub fn after(stream: StreamId, version: Version) -> Self {
        Self { stream, from: ReadFrom::After(version), limit: PageLimit::default() }
    }

    /// The last page of a stream, newest event first.
    #[must_use]
    pub fn backward(stream: StreamId) -> Self {
        Self { stream, from: ReadFrom::Before(Version::MAX), limit: PageLimit::default() }
    }

    /// Sets the limit.
    #[must_use]
    pub fn limit(mut self, limit: PageLimit) -> Self {
        self.limit = limit;
        self
    }
}

/// A page of one stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamPage {
    /// The events, in the direction that was asked for.
    pub events: Vec<RecordedEvent>,
    /// The stream's version when the page was read; zero if it does not exist.
    pub version: Version,
    /// Whether nothing is left in that direction.
    pub end: bool,
}

/// A request for a page of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRead {
    /// Which events.
    pub filter: EventFilter,
    /// Where to start.
    pub from: ReadFrom<Position>,
    /// How much to read.
    pub limit: PageLimit,
}

impl LogRead {
    /// The page after this position.
    #[must_use]
    pub fn after(filter: EventFilter, position: Position) -> Self {
        Self { filter, from: ReadFrom::After(position), limit: PageLimit::default() }
    }

    /// The last page of the log, newest event first.
    #[must_use]
    pub fn backward(filter: EventFilter) -> Self {
        Self { filter, from: ReadFrom::Before(Position::MAX), limit: PageLimit::default() }
    }

    /// Sets the limit.
    #[must_use]
    pub fn limit(mut self, limit: PageLimit) -> Self {
        self.limit = limit;
        self
    }
}

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// The matching events, in the direction that was asked for.
    pub events: Vec<RecordedEvent>,
    /// How far the store looked: every matching event between the start and here is in the page,
    /// so a reader goes on from here. Events that do not match move it too.
    pub through: Position,
    /// Whether nothing was left in that direction when the page was read.
    pub end: bool,
}
