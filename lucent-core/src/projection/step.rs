//! A projection as a pure step: events in, the documents they need, changed documents out.
//!
//! A store or a worker runs it in two phases with its own reads between them: [`Projection::plan`]
//! says which documents are needed, [`ProjectionPlan::apply`] turns them into changes. Invariants:
//! neither phase does I/O, so the same step runs inside any store's transaction; what fails is set
//! aside by document, and what comes after it for the same document too.

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;

use crate::{
    event::{Event, RecordedEvent},
    position::Position,
    projection::{Consistency, Partition, Projector, by_store::refuse_events, plan::TypedPlan},
    store::{
        DocumentChange, DocumentKey, EventFilter, EventQuery, ParkedEvent, ParkedKeys, ProjectionId,
    },
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

    /// Decodes the events that it sees among these, and says which documents they are about. Events
    /// that cannot be read, and those that have to wait behind what is `parked`, are set aside.
    fn plan(&self, events: &[RecordedEvent], parked: &ParkedKeys) -> Box<dyn ProjectionPlan>;
}

/// A step of a projection that waits for its documents.
pub trait ProjectionPlan: Send {
    /// The keys of the documents that it needs, each once.
    fn keys(&self) -> &[DocumentKey];

    /// Applies the events; `documents` are the bodies of the keys, in their order.
    fn apply(self: Box<Self>, documents: Vec<Option<Bytes>>) -> ProjectionStep;
}

/// What a step makes of its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectionStep {
    /// The documents that changed, up to what failed.
    pub changes: Vec<DocumentChange>,
    /// What failed, and what has to wait behind it, in the order of the log.
    pub parked: Vec<ParkedEvent>,
    /// The events that the store itself is to apply, in its transaction; see
    /// [`StoreProjection`](crate::StoreProjection).
    pub events: Vec<RecordedEvent>,
}

impl ProjectionStep {
    /// The first event that failed, if one did.
    #[must_use]
    pub fn first_failure(&self) -> Option<&ParkedEvent> {
        self.parked.iter().find(|parked| parked.reason.is_some())
    }

    /// The changes, if no event failed.
    ///
    /// # Errors
    /// The first event that failed, or that a store would have to apply by itself.
    pub fn whole(self, projection: &ProjectionId) -> Result<Vec<DocumentChange>, ProjectionError> {
        refuse_events(projection, &self.events)?;
        match self.parked.iter().find_map(|parked| parked.to_error(projection)) {
            Some(error) => Err(error),
            None => Ok(self.changes),
        }
    }
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

    fn plan(&self, events: &[RecordedEvent], parked: &ParkedKeys) -> Box<dyn ProjectionPlan> {
        Box::new(TypedPlan::<P>::of(events, parked, self.partition))
    }
}

/// Shares a projector as a [`Projection`].
#[must_use]
pub fn shared<P: Projector>() -> Arc<dyn Projection> {
    Arc::new(TypedProjection::<P>::new())
}
