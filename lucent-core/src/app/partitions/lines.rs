//! The parked events of a projection, wherever they are: in its own lines, or in those of its
//! partitions.
//!
//! Invariant: a partition's lines change only against what is stored for that partition, so its
//! worker may run elsewhere meanwhile.

use std::sync::Arc;

use crate::{
    app::{
        parked_lines::{ParkedLines, Retried},
        partitions::part_store::PartStore,
        projection_handle::ProjectionControlError,
        running::RunningProjection,
    },
    projection::Partition,
    store::{EventStore, ParkedEvent, ParkedKey, ParkedLine, StoreError},
};

/// Every line of a projection.
pub(crate) struct AllLines<'a> {
    whole: &'a RunningProjection,
    /// One, if it is not divided.
    lines: Vec<ParkedLines>,
}

impl<'a> AllLines<'a> {
    pub(crate) async fn of(
        events: &Arc<dyn EventStore>,
        whole: &'a Arc<RunningProjection>,
    ) -> Result<Self, StoreError> {
        let Some(parts) = &whole.parts else {
            let running = Arc::clone(whole);
            return Ok(Self {
                whole,
                lines: vec![ParkedLines { events: Arc::clone(events), running }],
            });
        };
        let mut lines = Vec::new();
        for index in 0..parts.count() {
            let partition = Partition::new(index, parts.count());
            let part = partition.and_then(|partition| whole.projection.of_partition(partition));
            let Some(projection) = part else { continue };
            let store = PartStore::of(whole, index, parts.count(), None);
            let part = RunningProjection::part(projection, Arc::new(store), whole.policy).await?;
            lines.push(ParkedLines { events: Arc::clone(events), running: Arc::new(part) });
        }
        Ok(Self { whole, lines })
    }

    /// The lines, each with its first event. That of a stream is the longest that a partition has.
    pub(crate) async fn parked(&self) -> Result<Vec<ParkedLine>, StoreError> {
        let mut all: Vec<ParkedLine> = Vec::new();
        for part in &self.lines {
            for line in part.read().await?.lines {
                match all.iter_mut().find(|known| known.first.key == line.first.key) {
                    Some(known) if known.events >= line.events => {}
                    Some(known) => *known = line,
                    None => all.push(line),
                }
            }
        }
        if self.lines.len() > 1 {
            all.sort_by(|left, right| left.first.key.cmp(&right.first.key));
        }
        Ok(all)
    }

    /// The first events of a line.
    pub(crate) async fn events(
        &self,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let mut longest = Vec::new();
        for ParkedLines { running, .. } in &self.lines {
            let found = running.store.parked_events(&running.id, key, limit).await?;
            if found.len() > longest.len() {
                longest = found;
            }
        }
        Ok(longest)
    }

    /// Applies the events of a line, and of those that waited for it.
    pub(crate) async fn retry(&self, key: &ParkedKey) -> Result<Retried, ProjectionControlError> {
        let mut retried = None;
        for part in &self.lines {
            match part.retry(key).await {
                Err(ProjectionControlError::NotParked { .. }) => {}
                outcome => add(retried.get_or_insert_default(), outcome?),
            }
        }
        self.tell();
        retried.ok_or_else(|| self.not_parked(key))
    }

    /// Applies the events of every line.
    pub(crate) async fn retry_all(&self) -> Result<Retried, ProjectionControlError> {
        let mut retried = Retried::default();
        for part in &self.lines {
            add(&mut retried, part.retry_all().await?);
        }
        self.tell();
        Ok(retried)
    }

    /// Gives up the first event of a line, and retries what is behind it.
    pub(crate) async fn drop_first(
        &self,
        key: &ParkedKey,
    ) -> Result<(ParkedEvent, Retried), ProjectionControlError> {
        let mut dropped: Option<(ParkedEvent, Retried)> = None;
        for part in &self.lines {
            match (part.drop_first(key).await, &mut dropped) {
                (Err(ProjectionControlError::NotParked { .. }), _) => {}
                (outcome, Some((_, retried))) => add(retried, outcome?.1),
                (outcome, none) => *none = Some(outcome?),
            }
        }
        self.tell();
        dropped.ok_or_else(|| self.not_parked(key))
    }

    /// Has this node's partitions look at what is stored now.
    fn tell(&self) {
        if let Some(parts) = &self.whole.parts {
            parts.tell();
        }
    }

    fn not_parked(&self, key: &ParkedKey) -> ProjectionControlError {
        ProjectionControlError::NotParked { projection: self.whole.id.clone(), key: key.clone() }
    }
}

fn add(all: &mut Retried, retried: Retried) {
    all.applied += retried.applied;
    all.failures.extend(retried.failures);
}
