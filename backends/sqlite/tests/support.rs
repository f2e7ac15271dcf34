//! Shared setup: folders, events, short names for reads.

use std::{path::PathBuf, sync::Arc};

use lucent_core::{
    BusinessContext, CommandId, EventId, Metadata, NewEvent, Payload, Position, RecordedEvent,
    StreamId, Tag, Timestamp,
    store::{
        Append, EventFilter, EventStore as _, ExpectedVersion, LogRead, PageLimit, ReadFrom,
        StreamRead,
    },
};
use lucent_sqlite::SqliteStore;
use tempfile::TempDir;

/// A folder with a store's file in it.
pub(crate) struct Folder {
    dir: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("events.db")
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).await.unwrap()
    }

    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

pub(crate) fn event(event_type: &'static str, tags: &[&str]) -> NewEvent {
    NewEvent {
        id: EventId::new(),
        event_type: event_type.into(),
        schema_version: 1,
        payload: Payload::json(&serde_json::json!({"amount": 7, "note": "ü"})).unwrap(),
        tags: tags.iter().map(|text| tag(text)).collect(),
        metadata: Arc::new(Metadata::of_command(
            CommandId::derived("test"),
            BusinessContext::default().with("user", "anna"),
        )),
        recorded_at: Timestamp::from_micros(1_767_607_200_250_000),
    }
}

pub(crate) fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event("Counted", &[])).collect()
}

pub(crate) fn one(name: &str, expected: ExpectedVersion) -> Append {
    Append::one(stream(name), expected, events(1))
}

/// All events of the log, read in small pages in both directions.
pub(crate) async fn log(store: &SqliteStore, filter: EventFilter) -> Vec<RecordedEvent> {
    let limit = PageLimit { events: 3, bytes: 1 << 30 };
    let mut forward = Vec::new();
    let mut read = LogRead::after(filter.clone(), Position::ZERO).limit(limit);
    loop {
        let page = store.read_log(read.clone()).await.unwrap();
        assert!(page.end || !page.events.is_empty(), "an empty page that is not the end");
        forward.extend(page.events);
        if page.end {
            break;
        }
        read.from = ReadFrom::After(page.through);
    }
    let mut backward = Vec::new();
    let mut read = LogRead::backward(filter).limit(limit);
    loop {
        let page = store.read_log(read.clone()).await.unwrap();
        assert!(page.end || !page.events.is_empty(), "an empty page that is not the end");
        backward.extend(page.events);
        if page.end {
            break;
        }
        read.from = ReadFrom::Before(page.through);
    }
    backward.reverse();
    assert_eq!(forward, backward);
    forward
}

/// All events of a stream.
pub(crate) async fn read(store: &SqliteStore, name: &str) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut read = StreamRead::forward(stream(name));
    loop {
        let page = store.read_stream(read.clone()).await.unwrap();
        events.extend(page.events);
        if page.end {
            return events;
        }
        read.from = ReadFrom::After(events.last().unwrap().version);
    }
}

pub(crate) fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.get()).collect()
}
