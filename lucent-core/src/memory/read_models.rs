//! Read models in memory.
//!
//! Invariant: documents and checkpoint of a projection change in one call.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    position::Position,
    store::{CommitError, Document, DocumentChange, DocumentKey, ProjectionCommit, ProjectionId},
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
        if commit.activate {
            let ProjectionId { name, version } = &commit.projection;
            self.active.insert(Arc::clone(name), *version);
        }
        if let Some(read_model) = commit.read_model {
            self.write(read_model, commit.changes);
            self.apply(commit.projection, commit.to, []);
        } else {
            self.apply(commit.projection, commit.to, commit.changes);
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
