//! Read models in memory.
//!
//! Invariant: documents, parked events and checkpoint of a projection change in one call.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    position::Position,
    store::{
        CommitError, Document, DocumentChange, DocumentKey, Parked, ParkedChange, ParkedEvent,
        ParkedKey, ParkedLine, ProjectionCommit, ProjectionId, Replacement, StoredVersion,
    },
};

/// The documents and checkpoints of every version of every projection.
#[derive(Default)]
pub(super) struct ReadModels {
    projections: HashMap<ProjectionId, ReadModel>,
    active: HashMap<Arc<str>, u32>,
}

#[derive(Default)]
struct ReadModel {
    checkpoint: Position,
    documents: BTreeMap<DocumentKey, Bytes>,
    parked: BTreeMap<ParkedKey, BTreeMap<Position, ParkedEvent>>,
    /// How often `parked` was changed.
    revision: u64,
}

impl ReadModel {
    fn change_parked(&mut self, change: ParkedChange) {
        match change {
            ParkedChange::Park(event) => {
                let line = self.parked.entry(event.key.clone()).or_default();
                line.insert(event.position, event);
            }
            ParkedChange::Release { key, position } => {
                if let Some(line) = self.parked.get_mut(&key) {
                    line.remove(&position);
                    if line.is_empty() {
                        self.parked.remove(&key);
                    }
                }
            }
        }
    }
}

impl ReadModels {
    /// Takes a step of a projection, if it starts from the checkpoint.
    pub(super) fn commit(&mut self, commit: ProjectionCommit) -> Result<(), CommitError> {
        let found = self.checkpoint(&commit.projection);
        if found != commit.from {
            return Err(CommitError::CheckpointMoved {
                projection: commit.projection,
                expected: commit.from,
                found,
            });
        }
        let revision = self.projections.get(&commit.projection).map_or(0, |model| model.revision);
        if revision != commit.revision {
            return Err(CommitError::ParkedMoved { projection: commit.projection });
        }
        if commit.activate {
            let ProjectionId { name, version } = &commit.projection;
            self.active.insert(Arc::clone(name), *version);
        }
        if !commit.parked.is_empty() {
            let model = self.projections.entry(commit.projection.clone()).or_default();
            model.revision += 1;
            commit.parked.into_iter().for_each(|change| model.change_parked(change));
        }
        if let Some(read_model) = commit.read_model {
            self.write(read_model, commit.changes);
            self.apply(commit.projection, commit.to, []);
        } else {
            self.apply(commit.projection, commit.to, commit.changes);
        }
        Ok(())
    }

    /// Everything that a projection has parked.
    pub(super) fn parked(&self, projection: &ProjectionId) -> Parked {
        let Some(model) = self.projections.get(projection) else {
            return Parked::default();
        };
        let lines = model.parked.values().filter_map(|line| {
            let first = line.values().next()?.clone();
            Some(ParkedLine { first, events: line.len() as u64 })
        });
        Parked { revision: model.revision, lines: lines.collect() }
    }

    /// The first events of a line.
    pub(super) fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Vec<ParkedEvent> {
        let line = self.projections.get(projection).and_then(|model| model.parked.get(key));
        line.map_or_else(Vec::new, |line| line.values().take(limit).cloned().collect())
    }

    /// The versions of a projection.
    pub(super) fn versions(&self, name: &str) -> Vec<StoredVersion> {
        let active = self.active_version(name);
        let stored = self.projections.iter().filter(|(id, _)| *id.name == *name);
        let mut versions: Vec<_> = stored
            .map(|(id, model)| StoredVersion {
                version: id.version,
                checkpoint: model.checkpoint,
                active: active == Some(id.version),
            })
            .collect();
        versions.sort_by_key(|stored| stored.version);
        versions
    }

    /// Puts what was built under other ids into its places.
    pub(super) fn replace(&mut self, replacements: &[Replacement]) -> Result<(), CommitError> {
        for Replacement { built, place } in replacements {
            let (found, expected) = (self.checkpoint(built), self.checkpoint(place));
            if found < expected {
                return Err(CommitError::CheckpointMoved {
                    projection: built.clone(),
                    expected,
                    found,
                });
            }
        }
        for Replacement { built, place } in replacements {
            let mut model = self.projections.remove(built).unwrap_or_default();
            let replaced = self.projections.remove(place).map_or(0, |replaced| replaced.revision);
            model.revision = model.revision.max(replaced) + 1;
            self.projections.insert(place.clone(), model);
        }
        Ok(())
    }

    /// Changes documents and sets the checkpoint.
    pub(super) fn apply(
        &mut self,
        projection: ProjectionId,
        checkpoint: Position,
        changes: impl IntoIterator<Item = DocumentChange>,
    ) {
        self.projections.entry(projection.clone()).or_default().checkpoint = checkpoint;
        self.write(projection, changes);
    }

    /// Changes documents only.
    fn write(
        &mut self,
        projection: ProjectionId,
        changes: impl IntoIterator<Item = DocumentChange>,
    ) {
        let model = self.projections.entry(projection).or_default();
        for change in changes {
            match change {
                DocumentChange::Put(Document { key, body }) => {
                    model.documents.insert(key, body);
                }
                DocumentChange::Delete(key) => {
                    model.documents.remove(&key);
                }
            }
        }
    }

    pub(super) fn drop_projection(&mut self, projection: &ProjectionId) {
        self.projections.remove(projection);
    }

    pub(super) fn checkpoint(&self, projection: &ProjectionId) -> Position {
        self.projections.get(projection).map_or(Position::ZERO, |model| model.checkpoint)
    }

    pub(super) fn active_version(&self, name: &str) -> Option<u32> {
        self.active.get(name).copied()
    }

    pub(super) fn document(&self, projection: &ProjectionId, key: &DocumentKey) -> Option<Bytes> {
        self.projections.get(projection)?.documents.get(key).cloned()
    }

    pub(super) fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Vec<Document> {
        let Some(model) = self.projections.get(projection) else {
            return Vec::new();
        };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        model
            .documents
            .range::<DocumentKey, _>((start, Bound::Unbounded))
            .take(limit)
            .map(|(key, body)| Document { key: key.clone(), body: body.clone() })
            .collect()
    }
}
