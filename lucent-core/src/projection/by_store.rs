//! Projections whose events the store applies by itself, in its own transaction.
//!
//! Invariant: a step names the events to apply and those that have to wait, and decodes none: the
//! lines of parked events are those of streams, under the streams' names.

use std::{collections::HashSet, fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    event::{Event, RecordedEvent},
    projection::{
        Consistency, Projection, ProjectionError, ProjectionPlan, ProjectionStep,
        plan::parked_event,
    },
    store::{DocumentKey, EventFilter, EventQuery, ParkedEvent, ParkedKeys, ProjectionId},
    stream::StreamId,
};

/// A projection that a store was given, and that an application on the store runs.
///
/// Its steps hand the events to the store, which applies them in the transaction that moves the
/// checkpoint; see [`ProjectionCommit::events`](crate::store::ProjectionCommit::events). What fails
/// is parked by stream: the lines are named as documents with the names of the streams.
#[derive(Clone)]
pub struct StoreProjection {
    /// Its durable name.
    pub name: &'static str,
    /// The projection.
    pub projection: Arc<dyn Projection>,
}

impl StoreProjection {
    /// A projection of the events of `E`.
    ///
    /// # Panics
    /// If it is to be [live](Consistency::Live): what a store applies, it also keeps.
    #[must_use]
    pub fn new<E: Event>(name: &'static str, version: u32, consistency: Consistency) -> Self {
        assert!(
            consistency != Consistency::Live,
            "the projector `{name}` of a store cannot be live: make it inline or async"
        );
        let id = ProjectionId::new(name, version);
        let filter = EventQuery::types(E::TYPES.iter().map(|known| known.name)).into();
        Self { name, projection: Arc::new(ByStore { id, consistency, filter }) }
    }
}

impl fmt::Debug for StoreProjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreProjection").field(&self.projection.id()).finish()
    }
}

struct ByStore {
    id: ProjectionId,
    consistency: Consistency,
    filter: EventFilter,
}

impl Projection for ByStore {
    fn id(&self) -> ProjectionId {
        self.id.clone()
    }

    fn consistency(&self) -> Consistency {
        self.consistency
    }

    fn filter(&self) -> EventFilter {
        self.filter.clone()
    }

    fn plan(&self, events: &[RecordedEvent], parked: &ParkedKeys) -> Box<dyn ProjectionPlan> {
        let mut step = ProjectionStep::default();
        for event in events.iter().filter(|event| self.filter.matches(event)) {
            // Without a line, no key has to be made.
            match !parked.is_empty() && parked.holds_document(&line_of(&event.stream)) {
                true => step.parked.push(parked_by_stream(event, None)),
                false => step.events.push(event.clone()),
            }
        }
        Box::new(Planned(step))
    }
}

struct Planned(ProjectionStep);

impl ProjectionPlan for Planned {
    fn keys(&self) -> &[DocumentKey] {
        &[]
    }

    fn apply(self: Box<Self>, _: Vec<Option<Bytes>>) -> ProjectionStep {
        self.0
    }
}

impl ProjectionStep {
    /// Sets events aside that the store could not apply, and has those wait that come after them in
    /// their streams.
    pub(crate) fn set_aside(&mut self, failed: &[ProjectionError]) {
        let mut held = HashSet::new();
        let events = std::mem::take(&mut self.events);
        for event in events {
            let failure = failed.iter().find(|failed| failed.position == event.position);
            if failure.is_some() {
                held.insert(event.stream.clone());
            }
            match held.contains(&event.stream) {
                true => {
                    let reason = failure.map(|failed| &*failed.reason);
                    self.parked.push(parked_by_stream(&event, reason));
                }
                false => self.events.push(event),
            }
        }
        self.parked.sort_by_key(|event| event.position);
    }
}

/// Refuses events that a store would have to apply by itself and was given no projector for.
pub(crate) fn refuse_events(
    projection: &ProjectionId,
    events: &[RecordedEvent],
) -> Result<(), ProjectionError> {
    let Some(event) = events.first() else { return Ok(()) };
    Err(ProjectionError {
        projection: projection.clone(),
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.to_string(),
        reason: "this store was given no projector of that name".to_owned(),
    })
}

/// The line of a stream's events.
fn line_of(stream: &StreamId) -> DocumentKey {
    DocumentKey::new(stream)
}

fn parked_by_stream(event: &RecordedEvent, reason: Option<&str>) -> ParkedEvent {
    parked_event(line_of(&event.stream).into(), event, reason)
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, sync::Arc};

    use futures::FutureExt as _;

    use super::*;
    use crate::{
        BusinessContext, CommandId, EventId, MemoryStore, Metadata, Payload, Position, Timestamp,
        Version,
        event::NewEvent,
        store::{CommitError, ProjectionCommit, ReadModelStore as _},
    };

    fn event(stream: &str, position: u64) -> RecordedEvent {
        let event = NewEvent {
            id: EventId::new(),
            event_type: Cow::Borrowed("Happened"),
            schema_version: 1,
            payload: Payload::binary(Vec::new()),
            tags: Vec::new(),
            metadata: Arc::new(Metadata::of_command(CommandId::new(), BusinessContext::default())),
            recorded_at: Timestamp::from_micros(1),
        };
        let stream = StreamId::new(stream).unwrap();
        event.into_recorded(stream, Version::new(1), Position::new(position))
    }

    fn totals() -> ByStore {
        let id = ProjectionId::new("totals", 1);
        ByStore { id, consistency: Consistency::Async, filter: EventFilter::all() }
    }

    fn failure(event: &RecordedEvent) -> ProjectionError {
        let error = refuse_events(&totals().id, std::slice::from_ref(event)).unwrap_err();
        ProjectionError { reason: "bad".to_owned(), ..error }
    }

    #[test]
    fn what_comes_after_a_failure_in_its_stream_waits_and_the_rest_goes_on() {
        let events = ["a-1", "b-1", "a-1", "c-1", "b-1"];
        let events: Vec<_> =
            events.iter().zip(1..).map(|(stream, position)| event(stream, position)).collect();
        let mut known = ParkedKeys::none();
        known.hold(DocumentKey::from("c-1").into(), Position::new(0));
        let mut step = totals().plan(&events, &known).apply(Vec::new());
        step.set_aside(&[failure(&events[0]), failure(&events[4])]);
        let left: Vec<_> = step.events.iter().map(|event| event.position.get()).collect();
        assert_eq!(left, [2]);
        let parked: Vec<_> = step
            .parked
            .iter()
            .map(|parked| (parked.key.to_string(), parked.position.get(), parked.reason.is_some()))
            .collect();
        let line = |stream: &str| format!("document `{stream}`");
        let expected = [
            (line("a-1"), 1, true),
            (line("a-1"), 3, false),
            (line("c-1"), 4, false),
            (line("b-1"), 5, true),
        ];
        assert_eq!(parked, expected);
    }

    #[test]
    fn a_store_without_the_projector_refuses_its_events() {
        let id = totals().id;
        let step = totals().plan(&[event("a-1", 1)], &ParkedKeys::none()).apply(Vec::new());
        let first = ProjectionCommit::new(id.clone(), Position::ZERO, Position::new(1));
        let commit = ProjectionCommit { events: step.events.clone(), ..first };
        let store = MemoryStore::new();
        let outcome = store.commit_projection(commit).now_or_never().unwrap();
        assert!(matches!(outcome, Err(CommitError::Projection(_))), "{outcome:?}");
        assert!(step.whole(&id).is_err(), "an inline step drops nothing, either");
    }
}
