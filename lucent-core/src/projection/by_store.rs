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

/// The line of a stream's events.
fn line_of(stream: &StreamId) -> DocumentKey {
    DocumentKey::new(stream)
}

fn parked_by_stream(event: &RecordedEvent, reason: Option<&str>) -> ParkedEvent {
    parked_event(line_of(&event.stream).into(), event, reason)
}
