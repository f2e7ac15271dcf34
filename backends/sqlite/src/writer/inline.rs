//! Inline projections: read models that change in the append's transaction.
//!
//! Invariant: an append that commits leaves each of its inline projections at the head of the log,
//! and one whose projection fails leaves nothing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use lucent_core::{
    Projection, ProjectionError, RecordedEvent, StreamId, Version,
    store::{
        DocumentChange, DocumentKey, EventFilter, InlineProjections, PageLimit, ParkedKeys,
        ProjectionId,
    },
};

use crate::{
    fault::Fault,
    reader::{document, read_after},
    writer::{batch::Batch, request::EncodedAppend},
};

/// The projections of the last append, prepared; applications pass the same list each time.
#[derive(Default)]
pub(crate) struct Inline {
    list: Option<Arc<[Arc<dyn Projection>]>>,
    prepared: Arc<[Prepared]>,
}

struct Prepared {
    projection: Arc<dyn Projection>,
    id: ProjectionId,
    filter: EventFilter,
}

/// Changes that wait until their append is certain.
#[derive(Default)]
pub(crate) struct Staged {
    changes: Vec<(i64, DocumentChange)>,
    projections: Arc<[Prepared]>,
}

impl Inline {
    fn prepare(&mut self, wanted: &InlineProjections) -> Arc<[Prepared]> {
        let Some(list) = &wanted.0 else {
            return Arc::default();
        };
        // The list is kept alive here, so an equal address is the same list.
        if !self.list.as_ref().is_some_and(|last| Arc::ptr_eq(last, list)) {
            self.prepared = list
                .iter()
                .map(|projection| Prepared {
                    projection: Arc::clone(projection),
                    id: projection.id(),
                    filter: projection.filter(),
                })
                .collect();
            self.list = Some(Arc::clone(list));
        }
        Arc::clone(&self.prepared)
    }
}

impl Batch<'_> {
    /// Runs the inline projections over an append that is about to be written.
    pub(crate) fn project_inline(
        &mut self,
        append: &EncodedAppend,
        found: &[u64],
    ) -> Result<Result<Staged, ProjectionError>, Fault> {
        if append.inline.as_slice().is_empty() {
            return Ok(Ok(Staged::default()));
        }
        let projections = self.inline.prepare(&append.inline);
        let events = self.events_to_be(append, found);
        let mut changes = Vec::new();
        for one in &*projections {
            if let Err(error) = self.catch_up(one)? {
                return Ok(Err(error));
            }
            match self.step(one, &events)? {
                Ok(step) => changes.extend(step),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(Staged { changes, projections }))
    }

    /// Takes staged changes into the transaction.
    pub(crate) fn stage(&mut self, staged: Staged, head: u64) {
        for (id, change) in staged.changes {
            let (key, body) = match change {
                DocumentChange::Put(document) => (document.key, Some(document.body)),
                DocumentChange::Delete(key) => (key, None),
            };
            self.documents.insert((id, key), body);
        }
        for one in &*staged.projections {
            self.move_checkpoint(&one.id, head);
        }
    }

    /// The events of an append as they will read.
    fn events_to_be(&self, append: &EncodedAppend, found: &[u64]) -> Vec<RecordedEvent> {
        let mut position = lucent_core::Position::new(self.cache.head);
        let mut events = Vec::with_capacity(append.event_count());
        for (write, &version) in append.writes.iter().zip(found) {
            for (index, event) in write.events.iter().enumerate() {
                position = position.next();
                let version = Version::new(version).plus(index + 1);
                // Payload and metadata are shared; only the tags are copied.
                let event = event.event.clone();
                events.push(event.into_recorded(write.stream.clone(), version, position));
            }
        }
        events
    }

    /// Brings a projection that was not there for earlier appends up to the head of the log.
    fn catch_up(&mut self, one: &Prepared) -> Result<Result<(), ProjectionError>, Fault> {
        let mut checkpoint = self.projection(&one.id)?.checkpoint;
        while checkpoint < self.cache.head {
            let page = read_after(self.conn, &one.filter, checkpoint, PageLimit::default())?;
            let changes = match self.step(one, &page.events)? {
                Ok(changes) => changes,
                Err(error) => return Ok(Err(error)),
            };
            let staged = Staged { changes, projections: Arc::default() };
            checkpoint = page.through.get();
            self.stage(staged, checkpoint);
            self.move_checkpoint(&one.id, checkpoint);
            if self.documents.len() > WAITING_DOCUMENTS {
                self.write_documents()?;
            }
        }
        Ok(Ok(()))
    }

    fn step(
        &mut self,
        one: &Prepared,
        events: &[RecordedEvent],
    ) -> Result<Result<Vec<(i64, DocumentChange)>, ProjectionError>, Fault> {
        let seen: Vec<RecordedEvent> =
            events.iter().filter(|event| one.filter.matches(event)).cloned().collect();
        let Some(first) = seen.first() else {
            return Ok(Ok(Vec::new()));
        };
        let id = self.projection(&one.id)?.id;
        let plan = || Ok(one.projection.plan(&seen, &ParkedKeys::none()));
        let plan = match guarded(&one.id, first, plan) {
            Ok(plan) => plan,
            Err(error) => return Ok(Err(error)),
        };
        let documents = plan
            .keys()
            .iter()
            .map(|key| self.current_document(id, key))
            .collect::<Result<Vec<_>, Fault>>()?;
        let changes = guarded(&one.id, first, || plan.apply(documents).whole(&one.id));
        Ok(changes.map(|changes| changes.into_iter().map(|change| (id, change)).collect()))
    }

    fn current_document(&self, id: i64, key: &DocumentKey) -> Result<Option<Bytes>, Fault> {
        if !self.documents.is_empty()
            && let Some(waiting) = self.documents.get(&(id, key.clone()))
        {
            return Ok(waiting.clone());
        }
        document(self.conn, id, key)
    }
}

/// A projection that panics fails its append, not the writer.
fn guarded<T>(
    projection: &ProjectionId,
    first: &RecordedEvent,
    work: impl FnOnce() -> Result<T, ProjectionError>,
) -> Result<T, ProjectionError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(ProjectionError {
            projection: projection.clone(),
            position: first.position,
            stream: StreamId::clone(&first.stream),
            event_type: first.event_type.to_string(),
            reason: "it panicked".to_owned(),
        })
    })
}

/// How many changed documents wait in memory while a projection catches up.
const WAITING_DOCUMENTS: usize = 10_000;
