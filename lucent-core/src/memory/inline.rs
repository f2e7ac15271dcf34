//! Projections that run inside an append.
//!
//! Invariant: nothing is changed here. A step is worked out on the side and applied by the append,
//! after everything that can fail has succeeded.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{
    event::RecordedEvent,
    memory::{log::Log, read_models::ReadModels},
    position::Position,
    projection::{Projection, ProjectionError},
    store::{Document, DocumentChange, DocumentKey, ParkedKeys, ProjectionId},
};

/// How many events a projection that is behind takes at once.
const PAGE: usize = 1_000;

/// What a projection makes of an append.
pub(super) struct InlineStep {
    projection: ProjectionId,
    checkpoint: Position,
    documents: HashMap<DocumentKey, Option<Bytes>>,
}

impl InlineStep {
    /// Works out what a projection makes of the events that it has not seen: those of the log, if
    /// it is behind, and then the new ones.
    pub(super) fn of(
        projection: &dyn Projection,
        log: &Log,
        read_models: &ReadModels,
        new: &[RecordedEvent],
    ) -> Result<Self, ProjectionError> {
        let id = projection.id();
        let checkpoint = read_models.checkpoint(&id);
        let mut step = Self { projection: id, checkpoint, documents: HashMap::new() };
        let filter = projection.filter();
        let missed = log.after(checkpoint).iter();
        let mut unseen = missed
            .chain(new.iter().filter(|event| event.position > checkpoint))
            .filter(|event| filter.matches(event))
            .cloned();
        loop {
            let page: Vec<RecordedEvent> = unseen.by_ref().take(PAGE).collect();
            if page.is_empty() {
                break;
            }
            step.take(projection, read_models, &page)?;
        }
        let last = new.last().map_or_else(|| log.head(), |event| event.position);
        step.checkpoint = checkpoint.max(last);
        Ok(step)
    }

    /// Writes what was worked out.
    pub(super) fn apply(self, read_models: &mut ReadModels) {
        let changes = self.documents.into_iter().map(|(key, body)| match body {
            Some(body) => DocumentChange::Put(Document { key, body }),
            None => DocumentChange::Delete(key),
        });
        read_models.apply(self.projection, self.checkpoint, changes);
    }

    fn take(
        &mut self,
        projection: &dyn Projection,
        read_models: &ReadModels,
        page: &[RecordedEvent],
    ) -> Result<(), ProjectionError> {
        let plan = projection.plan(page, &ParkedKeys::none());
        let stored = plan.keys().iter().map(|key| match self.documents.get(key) {
            Some(changed) => changed.clone(),
            None => read_models.document(&self.projection, key),
        });
        let stored = stored.collect();
        for change in plan.apply(stored).whole(&self.projection)? {
            match change {
                DocumentChange::Put(Document { key, body }) => {
                    self.documents.insert(key, Some(body));
                }
                DocumentChange::Delete(key) => {
                    self.documents.insert(key, None);
                }
            }
        }
        Ok(())
    }
}
