//! A projection as a pure step: events in, the documents they need, changed documents out.
//!
//! A store or a worker runs it in two phases with its own reads between them: [`Projection::plan`]
//! says which documents are needed, [`ProjectionPlan::apply`] turns them into changes. Invariant:
//! neither phase does I/O, so the same step runs inside any store's transaction.

use std::{
    any::Any,
    collections::HashMap,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    event::{DecodeError, Event, RecordedEvent},
    position::Position,
    projection::{Consistency, Keep, Partition, Projector, ReadModel as _},
    store::{Document, DocumentChange, DocumentKey, EventFilter, EventQuery, ProjectionId},
    stream::StreamId,
};

/// A projection, without its types.
pub trait Projection: Send + Sync + 'static {
    /// Its name and version.
    fn id(&self) -> ProjectionId;

    /// When it sees events.
    fn consistency(&self) -> Consistency;

    /// Which events it sees.
    fn filter(&self) -> EventFilter;

    /// Into how many partitions its documents are divided.
    fn partitions(&self) -> u32 {
        1
    }

    /// The same projection for the documents of one partition; none if it cannot be divided.
    fn of_partition(&self, _partition: Partition) -> Option<Arc<dyn Projection>> {
        None
    }

    /// Decodes the events that it sees among these, and says which documents they are about.
    ///
    /// # Errors
    /// When an event does not decode, or the key function panics.
    fn plan(&self, events: &[RecordedEvent]) -> Result<Box<dyn ProjectionPlan>, ProjectionError>;
}

/// A step of a projection that waits for its documents.
pub trait ProjectionPlan: Send {
    /// The keys of the documents that it needs, each once.
    fn keys(&self) -> &[DocumentKey];

    /// Applies the events; `documents` are the bodies of the keys, in their order.
    ///
    /// # Errors
    /// When a document does not decode, or the projector fails or panics.
    fn apply(
        self: Box<Self>,
        documents: Vec<Option<Bytes>>,
    ) -> Result<Vec<DocumentChange>, ProjectionError>;
}

/// An event that a projection could not take.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "projection {projection} failed at event {position} (`{event_type}` of stream `{stream}`): {reason}"
)]
pub struct ProjectionError {
    /// Which projection.
    pub projection: ProjectionId,
    /// The event's position.
    pub position: Position,
    /// The event's stream.
    pub stream: StreamId,
    /// The event's stored name.
    pub event_type: String,
    /// What went wrong.
    pub reason: String,
}

/// A projector with its types, as a [`Projection`].
#[derive(Debug)]
pub struct TypedProjection<P> {
    partition: Partition,
    projector: PhantomData<P>,
}

impl<P> TypedProjection<P> {
    /// Wraps a projector.
    #[must_use]
    pub const fn new() -> Self {
        Self { partition: Partition::WHOLE, projector: PhantomData }
    }
}

impl<P> Default for TypedProjection<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Projector> Projection for TypedProjection<P> {
    fn id(&self) -> ProjectionId {
        ProjectionId::new(P::NAME, P::VERSION)
    }

    fn consistency(&self) -> Consistency {
        P::CONSISTENCY
    }

    fn filter(&self) -> EventFilter {
        EventQuery::types(P::Event::TYPES.iter().map(|known| known.name)).into()
    }

    fn partitions(&self) -> u32 {
        P::PARTITIONS
    }

    fn of_partition(&self, partition: Partition) -> Option<Arc<dyn Projection>> {
        Some(Arc::new(Self { partition, projector: PhantomData }))
    }

    fn plan(&self, events: &[RecordedEvent]) -> Result<Box<dyn ProjectionPlan>, ProjectionError> {
        let mut plan = TypedPlan::<P> {
            id: self.id(),
            keys: Vec::new(),
            events: Vec::with_capacity(events.len()),
        };
        let mut slots = HashMap::<DocumentKey, usize>::new();
        for at in events.iter().filter(|at| P::Event::knows(&at.event_type)) {
            let event = match P::Event::decode(at) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(DecodeError { fault, .. }) => {
                    return Err(failed(&plan.id, at, fault.to_string()));
                }
            };
            let keys = catch_unwind(AssertUnwindSafe(|| P::keys(&event, at)))
                .map_err(|panic| failed(&plan.id, at, panicked(&*panic)))?;
            let ours = keys.into_iter().filter(|key| self.partition.owns(key));
            let slots = ours.map(|key| {
                *slots.entry(key).or_insert_with_key(|key| {
                    plan.keys.push(key.clone());
                    plan.keys.len() - 1
                })
            });
            let slots: Vec<usize> = slots.collect();
            if !slots.is_empty() {
                plan.events.push(PlannedEvent { event, at: at.clone(), slots });
            }
        }
        Ok(Box::new(plan))
    }
}

struct TypedPlan<P: Projector> {
    id: ProjectionId,
    keys: Vec<DocumentKey>,
    events: Vec<PlannedEvent<P::Event>>,
}

struct PlannedEvent<E> {
    event: E,
    at: RecordedEvent,
    slots: Vec<usize>,
}

/// A document while events are applied to it.
enum Slot<V> {
    /// As stored; decoded when the first event is applied.
    Stored(Option<Bytes>),
    Changed(V),
    Deleted,
}

impl<P: Projector> ProjectionPlan for TypedPlan<P> {
    fn keys(&self) -> &[DocumentKey] {
        &self.keys
    }

    fn apply(
        self: Box<Self>,
        documents: Vec<Option<Bytes>>,
    ) -> Result<Vec<DocumentChange>, ProjectionError> {
        let mut slots: Vec<Slot<P::View>> = documents.into_iter().map(Slot::Stored).collect();
        slots.resize_with(self.keys.len(), || Slot::Stored(None));
        for PlannedEvent { event, at, slots: indices } in &self.events {
            for &index in indices {
                let view = take(&mut slots[index]).map_err(|reason| {
                    failed(
                        &self.id,
                        at,
                        format!("document `{}` of {}: {reason}", self.keys[index], P::View::NAME),
                    )
                })?;
                slots[index] =
                    project::<P>(view, event, at).map_err(|reason| failed(&self.id, at, reason))?;
            }
        }
        let mut changes = Vec::with_capacity(slots.len());
        for (key, slot) in self.keys.iter().zip(slots) {
            match slot {
                Slot::Stored(_) => {}
                Slot::Deleted => changes.push(DocumentChange::Delete(key.clone())),
                Slot::Changed(view) => match serde_json::to_vec(&view) {
                    Ok(body) => changes.push(DocumentChange::Put(Document {
                        key: key.clone(),
                        body: body.into(),
                    })),
                    Err(error) => {
                        let at = &self.events[self.events.len() - 1].at;
                        let reason = format!(
                            "document `{key}` of {} cannot be encoded: {error}",
                            P::View::NAME
                        );
                        return Err(failed(&self.id, at, reason));
                    }
                },
            }
        }
        Ok(changes)
    }
}

fn take<V: crate::projection::ReadModel>(slot: &mut Slot<V>) -> Result<V, String> {
    match std::mem::replace(slot, Slot::Deleted) {
        Slot::Changed(view) => Ok(view),
        Slot::Deleted | Slot::Stored(None) => Ok(V::default()),
        Slot::Stored(Some(body)) => serde_json::from_slice(&body).map_err(|error| {
            format!("the stored document does not decode ({error}); raise the projector's version to rebuild it")
        }),
    }
}

fn project<P: Projector>(
    mut view: P::View,
    event: &P::Event,
    at: &RecordedEvent,
) -> Result<Slot<P::View>, String> {
    match catch_unwind(AssertUnwindSafe(|| P::project(&mut view, event, at))) {
        Ok(Ok(Keep::Put)) => Ok(Slot::Changed(view)),
        Ok(Ok(Keep::Delete)) => Ok(Slot::Deleted),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn failed(projection: &ProjectionId, at: &RecordedEvent, reason: String) -> ProjectionError {
    ProjectionError {
        projection: projection.clone(),
        position: at.position,
        stream: at.stream.clone(),
        event_type: at.event_type.to_string(),
        reason,
    }
}

/// The message of a caught panic.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "it panicked".to_owned(), |text| format!("it panicked: {text}"))
}

/// Shares a projector as a [`Projection`].
#[must_use]
pub fn shared<P: Projector>() -> Arc<dyn Projection> {
    Arc::new(TypedProjection::<P>::new())
}
