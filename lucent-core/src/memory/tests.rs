//! What the conformance suite cannot reach: indexes, turns, clones and panics.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use futures::FutureExt as _;

use crate::{
    BusinessContext, CommandId, Consistency, EventId, MemoryStore, Metadata, NewEvent, Payload,
    Position, Projection, ProjectionPlan, RecordedEvent, StreamId, Tag, Timestamp,
    store::{
        Append, EventFilter, EventQuery, EventStore as _, ExpectedVersion, InlineProjections,
        LogRead, PageLimit, ParkedKeys, ProjectionId, QueryItem, ReadFrom, ReadModelStore as _,
    },
};

/// Takes the outcome of a future that never waits.
fn block_on<F: Future>(future: F) -> F::Output {
    future.now_or_never().unwrap()
}

fn event(event_type: &'static str, tags: &[&str]) -> NewEvent {
    NewEvent {
        id: EventId::new(),
        event_type: Cow::Borrowed(event_type),
        schema_version: 1,
        payload: Payload::binary(vec![0; 3]),
        tags: tags.iter().map(|&tag| Tag::new(tag).unwrap()).collect(),
        metadata: Arc::new(Metadata::of_command(CommandId::new(), BusinessContext::default())),
        recorded_at: Timestamp::from_micros(1),
    }
}

fn append(events: Vec<NewEvent>) -> Append {
    Append::one(StreamId::new("a-1").unwrap(), ExpectedVersion::Any, events)
}

/// The positions of all pages of a read.
fn positions(store: &MemoryStore, query: &EventQuery, forward: bool, limit: usize) -> Vec<u64> {
    let filter = EventFilter::from(query.clone());
    let mut read = match forward {
        true => LogRead::after(filter, Position::ZERO),
        false => LogRead::backward(filter),
    };
    read.limit = PageLimit::events(limit);
    let mut found = Vec::new();
    loop {
        let page = block_on(store.read_log(read.clone())).unwrap();
        assert!(page.end || !page.events.is_empty());
        found.extend(page.events.iter().map(|event| event.position.get()));
        if page.end {
            return found;
        }
        read.from = match forward {
            true => ReadFrom::After(page.through),
            false => ReadFrom::Before(page.through),
        };
    }
}

#[test]
fn tag_indexes_find_what_a_full_scan_finds() {
    let store = MemoryStore::new();
    for number in 0..300_u32 {
        let mut tags = vec!["every:1"];
        if number % 3 == 0 {
            tags.push("third:1");
        }
        if number % 7 == 0 {
            tags.extend(["seventh:1", "seventh:1"]);
        }
        let event_type = if number % 2 == 0 { "Even" } else { "Odd" };
        block_on(store.append(append(vec![event(event_type, &tags)]))).unwrap();
    }
    let tags = |texts: &[&str]| texts.iter().map(|&text| Tag::new(text).unwrap()).collect();
    let item = |types: &[&'static str], texts: &[&str]| QueryItem {
        types: types.iter().map(|&name| Cow::Borrowed(name)).collect(),
        tags: tags(texts),
    };
    let queries = [
        vec![],
        vec![item(&[], &["third:1"])],
        vec![item(&["Odd"], &["third:1", "every:1"])],
        vec![item(&["Odd"], &["third:1"]), item(&["Even"], &["seventh:1"])],
        vec![item(&[], &["third:1"]), item(&["Even"], &[])],
        vec![item(&[], &["nobody:1"])],
    ];
    let all = block_on(store.read_log(LogRead::after(EventFilter::all(), Position::ZERO)));
    let all = all.unwrap().events;
    for query in queries.map(EventQuery::AnyOf) {
        let mut expected: Vec<u64> = all
            .iter()
            .filter(|event| query.matches(&event.event_type, &event.tags))
            .map(|event| event.position.get())
            .collect();
        for limit in [1, 7, 1_000] {
            assert_eq!(positions(&store, &query, true, limit), expected);
        }
        expected.reverse();
        for limit in [1, 7, 1_000] {
            assert_eq!(positions(&store, &query, false, limit), expected);
        }
    }
}

#[test]
fn rare_events_are_found_across_many_turns() {
    let store = MemoryStore::new();
    let mut events: Vec<_> = (0..20_000).map(|_| event("Common", &[])).collect();
    events[9_000].event_type = Cow::Borrowed("Rare");
    events[19_999].event_type = Cow::Borrowed("Rare");
    block_on(store.append(append(events))).unwrap();
    let query = EventQuery::types(["Rare"]);
    for limit in [1, 2] {
        assert_eq!(positions(&store, &query, true, limit), [9_001, 20_000]);
        assert_eq!(positions(&store, &query, false, limit), [20_000, 9_001]);
    }
}

#[test]
fn clones_share_the_store_and_positions_are_consecutive() {
    let store = MemoryStore::new();
    let clone = store.clone();
    for expected in 1..=3 {
        let appended = block_on(clone.append(append(vec![event("A", &[])]))).unwrap();
        assert_eq!(appended.position, Position::new(expected));
    }
    assert_eq!(block_on(store.head()).unwrap(), Position::new(3));
}

/// A projection that panics instead of returning an error.
struct Panics;

impl Projection for Panics {
    fn id(&self) -> ProjectionId {
        ProjectionId::new("panics", 1)
    }

    fn consistency(&self) -> Consistency {
        Consistency::Inline
    }

    fn filter(&self) -> EventFilter {
        EventFilter::all()
    }

    fn plan(&self, _: &[RecordedEvent], _: &ParkedKeys) -> Box<dyn ProjectionPlan> {
        panic!("on purpose")
    }
}

#[test]
fn a_panic_of_a_projection_leaves_the_store_whole_and_usable() {
    let store = MemoryStore::new();
    let mut poisoned = append(vec![event("A", &[])]);
    poisoned.inline = InlineProjections(Some(Arc::new([Arc::new(Panics) as Arc<dyn Projection>])));
    let outcome = catch_unwind(AssertUnwindSafe(|| block_on(store.append(poisoned))));
    assert!(outcome.is_err());
    assert_eq!(block_on(store.head()).unwrap(), Position::ZERO);
    let id = ProjectionId::new("panics", 1);
    assert_eq!(block_on(store.checkpoint(&id)).unwrap(), Position::ZERO);
    let appended = block_on(store.append(append(vec![event("A", &[])]))).unwrap();
    assert_eq!(appended.position, Position::new(1));
}
