//! Cutting pages out of the log.
//!
//! Invariant: a page that is not at the end makes progress, and `through` never runs past an event
//! that matches and is not in the page.

use crate::{
    event::RecordedEvent,
    memory::log::{Log, element},
    position::{Position, Version},
    store::{EventQuery, LogPage, LogRead, PageLimit, ReadFrom, StreamPage, StreamRead},
};

/// How many events are looked at before other users of the store get their turn.
const TURN: usize = 8_192;

/// A page that is being filled, turn by turn.
pub(super) struct LogScan {
    read: LogRead,
    room: Room,
    page: LogPage,
}

impl LogScan {
    pub(super) fn new(read: LogRead) -> Self {
        let through = match read.from {
            ReadFrom::After(position) | ReadFrom::Before(position) => position,
        };
        Self { room: Room::new(read.limit), page: LogPage { through, ..LogPage::default() }, read }
    }

    /// Looks at some events; gives the page once it is full or at the end.
    pub(super) fn turn(&mut self, log: &Log) -> Option<LogPage> {
        let query = &self.read.filter.query;
        let through = self.page.through;
        let forward = matches!(self.read.from, ReadFrom::After(_));
        let mut candidates = match forward {
            true => upwards(log, query, through),
            false => downwards(log, query, through),
        };
        let mut full = false;
        for found in candidates.by_ref().take(TURN) {
            full = self.look_at(&log.events()[found]);
            if full {
                break;
            }
        }
        if !full && candidates.next().is_none() {
            self.page.end = true;
            self.page.through = match forward {
                true => self.page.through.max(log.head()),
                false => Position::ZERO,
            };
        }
        let done = full || self.page.end || self.room.is_used_up();
        done.then(|| std::mem::take(&mut self.page))
    }

    /// Takes an event if it matches; says whether it matches and has no place in the page.
    fn look_at(&mut self, event: &RecordedEvent) -> bool {
        if self.read.filter.matches(event) {
            if !self.room.take(event) {
                return true;
            }
            self.page.events.push(event.clone());
        }
        self.page.through = event.position;
        false
    }
}

/// The elements after a position that a query can match, at least the first [`TURN`] and one more.
fn upwards<'a>(
    log: &'a Log,
    query: &EventQuery,
    after: Position,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let start = element(after.get());
    let rest = |elements: &'a [usize]| {
        let skipped = elements.partition_point(|&found| found < start);
        elements[skipped..].iter().copied()
    };
    match tagged(log, query).as_deref() {
        None => Box::new(start..log.events().len()),
        Some([elements]) => Box::new(rest(elements)),
        Some(lists) => {
            let mut merged: Vec<usize> =
                lists.iter().flat_map(|elements| rest(elements).take(TURN + 1)).collect();
            merged.sort_unstable();
            merged.dedup();
            merged.truncate(TURN + 1);
            Box::new(merged.into_iter())
        }
    }
}

/// As [`upwards`], from the last element before a position down.
fn downwards<'a>(
    log: &'a Log,
    query: &EventQuery,
    before: Position,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let end = element(before.get().saturating_sub(1)).min(log.events().len());
    let rest = |elements: &'a [usize]| {
        let kept = elements.partition_point(|&found| found < end);
        elements[..kept].iter().rev().copied()
    };
    match tagged(log, query).as_deref() {
        None => Box::new((0..end).rev()),
        Some([elements]) => Box::new(rest(elements)),
        Some(lists) => {
            let mut merged: Vec<usize> =
                lists.iter().flat_map(|elements| rest(elements).take(TURN + 1)).collect();
            merged.sort_unstable_by(|one, other| other.cmp(one));
            merged.dedup();
            merged.truncate(TURN + 1);
            Box::new(merged.into_iter())
        }
    }
}

/// For each item of a query, the elements that have its rarest tag; `None` if some item asks for
/// no tag, so that every element must be looked at.
fn tagged<'a>(log: &'a Log, query: &EventQuery) -> Option<Vec<&'a [usize]>> {
    match query {
        EventQuery::All => None,
        EventQuery::AnyOf(items) => items.iter().map(|item| log.rarest_tag(item)).collect(),
    }
}

/// A page of one stream.
pub(super) fn stream_page(log: &Log, read: &StreamRead) -> StreamPage {
    let elements = log.stream(&read.stream);
    let mut room = Room::new(read.limit);
    let mut fill = |elements: &mut dyn Iterator<Item = &usize>| {
        let mut events = Vec::new();
        for &found in elements {
            let event = &log.events()[found];
            if !room.take(event) {
                return (events, false);
            }
            events.push(event.clone());
        }
        (events, true)
    };
    let (events, end) = match read.from {
        ReadFrom::After(version) => {
            let start = element(version.get()).min(elements.len());
            fill(&mut elements[start..].iter())
        }
        ReadFrom::Before(version) => {
            let kept = element(version.get().saturating_sub(1)).min(elements.len());
            fill(&mut elements[..kept].iter().rev())
        }
    };
    StreamPage { events, version: Version::new(elements.len() as u64), end }
}

/// The room that is left in a page.
struct Room {
    limit: PageLimit,
    events: usize,
    bytes: usize,
}

impl Room {
    fn new(limit: PageLimit) -> Self {
        Self { limit, events: 0, bytes: 0 }
    }

    /// Takes the room of an event; the first one always fits.
    fn take(&mut self, event: &RecordedEvent) -> bool {
        if self.events > 0 {
            let bytes = self.bytes.saturating_add(event.payload.data.len());
            if self.is_used_up() || bytes > self.limit.bytes {
                return false;
            }
            self.bytes = bytes;
        }
        self.events += 1;
        true
    }

    fn is_used_up(&self) -> bool {
        self.events >= self.limit.events.max(1)
    }
}
