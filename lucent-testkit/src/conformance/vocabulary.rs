//! What behaviors are written in: samples of events, shorthands for names, patience.
//!
//! Invariant: samples differ where a behavior needs them to and nowhere else.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::task::JoinSet;

pub(super) use lucent_core::{
    BusinessContext, CommandId, ContentType, EventId, Metadata, NewEvent, Payload, Position,
    Projection, RecordedEvent, StreamEvent, StreamId, Tag, Timestamp, Uuid, Version,
    store::{
        Append, AppendCondition, AppendError, Appended, CommitError, Document, DocumentChange,
        DocumentKey, EventFilter, EventQuery, ExpectedVersion, Fence, HeldLease, InlineProjections,
        LeaseOutcome, LogPage, LogRead, PageLimit, Parked, ParkedChange, ParkedEvent, ParkedKey,
        ParkedKeys, ParkedLine, ProjectionCommit, ProjectionId, QueryItem, ReadFrom, Replacement,
        Snapshot, SnapshotKey, StoredVersion, StreamFolder, StreamPage, StreamRead, StreamWrite,
        VersionConflict,
    },
};

pub(super) use crate::conformance::{Handle, Subject};

/// A moment with microseconds.
pub(super) const MOMENT: i64 = 1_767_607_200_123_456;

/// How long a store may take for what it should do at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The stream of this name.
pub(super) fn stream(name: &str) -> StreamId {
    StreamId::new(name).expect("the suite's names are valid")
}

/// The tag of this text.
pub(super) fn tag(text: &str) -> Tag {
    Tag::new(text).expect("the suite's tags are valid")
}

/// Tags of these texts.
pub(super) fn tags(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|text| tag(text)).collect()
}

/// An event of this type, without tags.
pub(super) fn event(event_type: &'static str) -> NewEvent {
    let metadata = Metadata::of_command(CommandId::new(), BusinessContext::default());
    NewEvent {
        id: EventId::new(),
        event_type: Cow::Borrowed(event_type),
        schema_version: 1,
        payload: json("{}"),
        tags: Vec::new(),
        metadata: Arc::new(metadata),
        recorded_at: Timestamp::from_micros(MOMENT),
    }
}

/// An event with these tags.
pub(super) fn tagged(event_type: &'static str, texts: &[&str]) -> NewEvent {
    NewEvent { tags: tags(texts), ..event(event_type) }
}

/// An event with this payload.
pub(super) fn holding(payload: Payload) -> NewEvent {
    NewEvent { payload, ..event("Held") }
}

/// This many events of the type `Counted`; they share their metadata.
pub(super) fn counted(count: usize) -> Vec<NewEvent> {
    let sample = event("Counted");
    (0..count).map(|_| NewEvent { id: EventId::new(), ..sample.clone() }).collect()
}

/// This many events with binary payloads of so many bytes.
pub(super) fn sized(count: usize, bytes: usize) -> Vec<NewEvent> {
    let data = Bytes::from(vec![7; bytes]);
    (0..count).map(|_| holding(Payload::binary(data.clone()))).collect()
}

/// JSON as it is written.
pub(super) fn json(text: &'static str) -> Payload {
    Payload { content_type: ContentType::Json, data: Bytes::from_static(text.as_bytes()) }
}

/// An item of a query.
pub(super) fn item(types: &[&'static str], texts: &[&str]) -> QueryItem {
    QueryItem { types: types.iter().map(|&name| Cow::Borrowed(name)).collect(), tags: tags(texts) }
}

/// A query of these items.
pub(super) fn any_of(items: impl Into<Vec<QueryItem>>) -> EventQuery {
    EventQuery::AnyOf(items.into())
}

/// A write to a stream, whatever it holds.
pub(super) fn write(name: &str, events: Vec<NewEvent>) -> StreamWrite {
    StreamWrite { stream: stream(name), expected: ExpectedVersion::Any, events }
}

/// An append of these writes.
pub(super) fn batch(writes: Vec<StreamWrite>) -> Append {
    Append { writes, ..Append::default() }
}

/// The expectation of this version.
pub(super) fn exact(version: u64) -> ExpectedVersion {
    ExpectedVersion::Exact(Version::new(version))
}

/// Projections to run in an append.
pub(super) fn inline(projections: &[Arc<dyn Projection>]) -> InlineProjections {
    InlineProjections(Some(projections.into()))
}

/// The ids of events that are to be appended.
pub(super) fn new_ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

/// The ids of events that were read.
pub(super) fn ids(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

/// The versions of events that were read.
pub(super) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.get()).collect()
}

/// The types of events that were read.
pub(super) fn types(events: &[RecordedEvent]) -> Vec<&str> {
    events.iter().map(|event| &*event.event_type).collect()
}

/// The error of an append that must fail.
pub(super) fn refused(outcome: Result<Appended, AppendError>) -> AppendError {
    match outcome {
        Ok(appended) => panic!("the append must be refused, and did this: {appended:?}"),
        Err(error) => error,
    }
}

/// The outcome, unless it takes too long.
pub(super) async fn patiently<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// This many handles on the store: each an instance of its own, if the store can have several.
pub(super) async fn instances(subject: &Subject, count: usize) -> Vec<Handle> {
    let mut instances = Vec::new();
    for _ in 0..count {
        instances.push(subject.try_second().await.unwrap_or_else(|| subject.store()));
    }
    instances
}

/// Runs tasks at the same time, and gives their outcomes in any order.
pub(super) async fn race<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    let start = Arc::new(tokio::sync::Barrier::new(tasks.len()));
    let mut racing = JoinSet::new();
    for task in tasks {
        let start = Arc::clone(&start);
        racing.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    patiently("a race", racing.join_all()).await
}
