//! The read models as the worker of one partition sees them.
//!
//! Invariant: every step of a worker carries the fence of the partition's lease, moves the partition's own
//! checkpoint, and writes into the read model that all partitions share.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    app::{partitions::versions::all_parked, running::RunningProjection},
    position::Position,
    store::{
        CommitError, Document, DocumentKey, Fence, Parked, ParkedEvent, ParkedKey,
        ProjectionCommit, ProjectionId, ReadModelStore, Replacement, StoreError, StoredVersion,
    },
};

/// A store of read models, narrowed down to a partition.
#[derive(Debug)]
pub(crate) struct PartStore {
    inner: Arc<dyn ReadModelStore>,
    version: u32,
    index: u32,
    count: u32,
    /// The lease of who works on it; none for repairs, which only ever change what stands.
    fence: Option<Fence>,
}

impl PartStore {
    pub(crate) fn of(
        whole: &RunningProjection,
        index: u32,
        count: u32,
        fence: Option<Fence>,
    ) -> Self {
        let (inner, version) = (Arc::clone(&whole.store), whole.id.version);
        Self { inner, version, index, count, fence }
    }
}

/// The id under which a partition keeps its checkpoint.
pub(crate) fn part_of(projection: &ProjectionId, index: u32) -> ProjectionId {
    ProjectionId { name: part_name(&projection.name, index), version: projection.version }
}

/// Has queries answered from a version once all of its partitions have seen the whole log; whether
/// they have.
pub(crate) async fn activate_if_complete(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
    count: u32,
) -> Result<bool, CommitError> {
    if store.active_version(&projection.name).await? == Some(projection.version) {
        return Ok(true);
    }
    for index in 0..count {
        let active = store.active_version(&part_name(&projection.name, index)).await?;
        if active != Some(projection.version) {
            return Ok(false);
        }
    }
    // Nothing moves the whole, but a rebuild that took its place has left it somewhere.
    let at = store.checkpoint(projection).await?;
    let revision = store.parked(projection).await?.revision;
    let step = ProjectionCommit::new(projection.clone(), at, at);
    store.commit_projection(ProjectionCommit { activate: true, revision, ..step }).await?;
    tracing::info!(%projection, "every partition is caught up: queries are answered from this version");
    Ok(true)
}

fn part_name(name: &str, index: u32) -> Arc<str> {
    format!("{name}#{index}").into()
}

#[async_trait]
impl ReadModelStore for PartStore {
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.inner.documents(projection, keys).await
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.inner.document_page(projection, after, limit).await
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        self.inner.checkpoint(&part_of(projection, self.index)).await
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        let (projection, activates) = (commit.projection.clone(), commit.activate);
        let step = ProjectionCommit {
            projection: part_of(&projection, self.index),
            read_model: Some(projection.clone()),
            fence: self.fence.clone(),
            ..commit
        };
        self.inner.commit_projection(step).await?;
        if activates {
            activate_if_complete(&*self.inner, &projection, self.count).await?;
        }
        Ok(())
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        self.inner.active_version(&part_name(name, self.index)).await
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        self.inner.drop_projection(&part_of(projection, self.index)).await
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        if projection.version == self.version {
            return self.inner.parked(&part_of(projection, self.index)).await;
        }
        // Other versions may be divided otherwise.
        all_parked(&*self.inner, projection).await
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        self.inner.parked_events(&part_of(projection, self.index), key, limit).await
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        self.inner.stored_versions(&part_name(name, self.index)).await
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        let part_of = |id: &ProjectionId| part_of(id, self.index);
        let replacements = replacements.iter().map(|Replacement { built, place }| Replacement {
            built: part_of(built),
            place: part_of(place),
        });
        self.inner.replace_projections(&replacements.collect::<Vec<_>>(), fence).await
    }
}
