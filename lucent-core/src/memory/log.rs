//! The log of events, and what finds them in it.
//!
//! Invariant: positions are consecutive from 1, so the event at position `p` is element `p - 1`;
//! each index lists elements of the log in growing order.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::{
    event::RecordedEvent,
    position::{Position, Version},
    store::{EventQuery, QueryItem, StreamWrite},
    stream::StreamId,
    tag::Tag,
};

/// A map that is asked for each append: its hash is a fast one, seeded for each process.
pub(super) type Index<K, V> = HashMap<K, V, RandomState>;

/// Every event, by position, by stream and by tag.
#[derive(Default)]
pub(super) struct Log {
    events: Vec<RecordedEvent>,
    streams: Index<StreamId, Vec<usize>>,
    tags: Index<Tag, Vec<usize>>,
}

impl Log {
    /// Adds a write's events to its stream.
    pub(super) fn extend(&mut self, write: StreamWrite) {
        let StreamWrite { stream, events, .. } = write;
        if events.is_empty() {
            return;
        }
        let index = match self.streams.get_mut(&stream) {
            Some(index) => index,
            // The text of the name is shared by the index and the events.
            None => self.streams.entry(stream.clone()).or_default(),
        };
        for event in events {
            let element = self.events.len();
            index.push(element);
            mark(&mut self.tags, &event.tags, element);
            let version = Version::new(index.len() as u64);
            let position = Position::new(element as u64 + 1);
            let event = event.into_recorded(stream.clone(), version, position);
            self.events.push(event);
        }
    }

    /// Adds events that know their places already: the ones that follow the last event.
    pub(super) fn extend_recorded(&mut self, events: Vec<RecordedEvent>) {
        for event in events {
            let element = self.events.len();
            let index = self.streams.entry(event.stream.clone()).or_default();
            index.push(element);
            mark(&mut self.tags, &event.tags, element);
            self.events.push(event);
        }
    }

    /// The position of the newest event.
    pub(super) fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    /// The version of a stream.
    pub(super) fn version(&self, stream: &StreamId) -> Version {
        Version::new(self.stream(stream).len() as u64)
    }

    /// The elements of a stream.
    pub(super) fn stream(&self, stream: &StreamId) -> &[usize] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    /// All events, in order.
    pub(super) fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// The events after a position.
    pub(super) fn after(&self, position: Position) -> &[RecordedEvent] {
        &self.events[element(position.get()).min(self.events.len())..]
    }

    /// The first event after a position that matches a query.
    pub(super) fn first_match(&self, query: &EventQuery, after: Position) -> Option<Position> {
        match query {
            EventQuery::All => self.after(after).first().map(|event| event.position),
            EventQuery::AnyOf(items) => {
                items.iter().filter_map(|item| self.first_of_item(item, after)).min()
            }
        }
    }

    fn first_of_item(&self, item: &QueryItem, after: Position) -> Option<Position> {
        let matching = |event: &&RecordedEvent| item.matches(&event.event_type, &event.tags);
        let found = match self.rarest_tag(item) {
            None => self.after(after).iter().find(matching),
            Some(elements) => {
                let start = elements.partition_point(|&found| found < element(after.get()));
                let mut candidates = elements[start..].iter().map(|&found| &self.events[found]);
                candidates.find(matching)
            }
        };
        found.map(|event| event.position)
    }

    /// The elements that have the item's rarest tag; `None` if the item asks for no tag.
    pub(super) fn rarest_tag(&self, item: &QueryItem) -> Option<&[usize]> {
        item.tags
            .iter()
            .map(|tag| self.tags.get(tag).map_or(&[][..], Vec::as_slice))
            .min_by_key(|elements| elements.len())
    }
}

/// Notes an element's tags; one that repeats a tag is listed once.
fn mark(index: &mut Index<Tag, Vec<usize>>, tags: &[Tag], element: usize) {
    for tag in tags {
        match index.get_mut(tag) {
            Some(elements) if elements.last() == Some(&element) => {}
            Some(elements) => elements.push(element),
            None => {
                index.insert(tag.clone(), vec![element]);
            }
        }
    }
}

/// A position or version as an element; more than memory can hold is beyond every end.
pub(super) fn element(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
