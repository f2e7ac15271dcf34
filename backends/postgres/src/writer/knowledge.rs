//! What the writer remembers of the log.
//!
//! Invariant: everything in here is what the log says at `head`, and is of no worth at another one.

use std::{borrow::Cow, collections::VecDeque, num::NonZeroUsize};

use lru::LruCache;
use lucent_core::{StreamId, Tag, store::EventQuery};

/// What is known of the log up to its head.
#[derive(Debug)]
pub(crate) struct Knowledge {
    /// Where the log ended when it was last seen; nothing if that is in doubt.
    head: Option<u64>,
    versions: LruCache<StreamId, u64>,
    /// The last events up to the head.
    recent: VecDeque<Recent>,
    /// For how many batches it is assumed that others append, too.
    company: u32,
}

/// What conditions ask of an event.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    pub(crate) event_type: Cow<'static, str>,
    pub(crate) tags: Vec<Tag>,
}

impl Knowledge {
    pub(crate) fn new() -> Self {
        let versions = LruCache::new(STREAMS);
        Self { head: None, versions, recent: VecDeque::new(), company: 0 }
    }

    /// Where the log ends, unless that is in doubt.
    pub(crate) fn head(&self) -> Option<u64> {
        self.head
    }

    /// Forgets what the log says.
    pub(crate) fn forget(&mut self) {
        *self = Self { company: self.company, ..Self::new() };
    }

    /// Whether nobody else has appended lately, so that it pays to assume that nobody does.
    pub(crate) fn seems_alone(&self) -> bool {
        self.company == 0
    }

    /// A batch found the log as it was remembered.
    pub(crate) fn met_nobody(&mut self) {
        self.company = self.company.saturating_sub(1);
    }

    /// A batch found that others had appended.
    pub(crate) fn met_others(&mut self) {
        self.company = COMPANY;
    }

    /// Starts anew at a head.
    pub(crate) fn start_at(&mut self, head: u64) {
        self.forget();
        self.head = Some(head);
    }

    /// The version of a stream, if it is remembered.
    pub(crate) fn version(&self, stream: &StreamId) -> Option<u64> {
        self.versions.peek(stream).copied()
    }

    /// Remembers the version of a stream.
    pub(crate) fn set_version(&mut self, stream: StreamId, version: u64) {
        self.versions.put(stream, version);
    }

    /// Changes the version of a stream that is remembered.
    pub(crate) fn update_version(&mut self, stream: &StreamId, version: u64) {
        if let Some(known) = self.versions.get_mut(stream) {
            *known = version;
        }
    }

    /// Adds the event after the head.
    pub(crate) fn push(&mut self, event: Recent) {
        if self.recent.len() == EVENTS {
            self.recent.pop_front();
        }
        self.recent.push_back(event);
        self.head = self.head.map(|head| head + 1);
    }

    /// The position after which all events are remembered.
    pub(crate) fn recent_after(&self) -> u64 {
        self.head.map_or(u64::MAX, |head| head - self.recent.len() as u64)
    }

    /// The first remembered event after a position that matches.
    pub(crate) fn first_match(&self, query: &EventQuery, after: u64) -> Option<u64> {
        let start = self.recent_after();
        let skipped = usize::try_from(after.saturating_sub(start)).unwrap_or(usize::MAX);
        let candidates = self.recent.range(std::cmp::min(skipped, self.recent.len())..);
        let first = std::cmp::max(after, start) + 1;
        (first..).zip(candidates).find_map(|(position, event)| {
            query.matches(&event.event_type, &event.tags).then_some(position)
        })
    }
}

/// For how many batches others are remembered.
const COMPANY: u32 = 64;

/// How many streams are remembered.
const STREAMS: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it is not zero");

/// How many events are remembered.
const EVENTS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_type: &'static str) -> Recent {
        Recent { event_type: event_type.into(), tags: Vec::new() }
    }

    #[test]
    fn remembered_events_are_found_by_their_positions() {
        let mut knowledge = Knowledge::new();
        assert_eq!(knowledge.recent_after(), u64::MAX);
        knowledge.start_at(10);
        for name in ["A", "B", "A"] {
            knowledge.push(event(name));
        }
        assert_eq!((knowledge.head(), knowledge.recent_after()), (Some(13), 10));
        let query = EventQuery::types(["A"]);
        let found = |after| knowledge.first_match(&query, after);
        assert_eq!(
            [found(10), found(11), found(12), found(13), found(99)],
            [Some(11), Some(13), Some(13), None, None]
        );
    }

    #[test]
    fn old_events_are_forgotten() {
        let mut knowledge = Knowledge::new();
        knowledge.start_at(0);
        for _ in 0..EVENTS + 5 {
            knowledge.push(event("A"));
        }
        assert_eq!(knowledge.recent_after(), 5);
        assert_eq!(knowledge.first_match(&EventQuery::All, 5), Some(6));
    }
}
