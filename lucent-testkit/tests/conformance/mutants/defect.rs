//! A sound store behind methods that a defect can change.

use std::{marker::PhantomData, time::Duration};

use bytes::Bytes;
use lucent_core::{
    BusinessContext, CommandId, EventId, MemoryStore, Metadata, NewEvent, Payload, Position,
    StreamId, Timestamp, Version,
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore,
        ExpectedVersion, Fence, HeldLease, LeaseOutcome, LeaseStore, LogPage, LogRead, Parked,
        ParkedEvent, ParkedKey, ProjectionCommit, ProjectionId, ReadModelStore, Replacement,
        Snapshot, SnapshotKey, SnapshotStore, StoreError, StoredVersion, StreamFolder, StreamPage,
        StreamRead,
    },
};
use lucent_testkit::conformance::{Gap, async_trait};

/// Smaller than the store's own, so that the suite runs fast on many mutants.
pub(super) const PAYLOAD_LIMIT: usize = 2 << 20;

/// An append of one event that no behavior asked for.
pub(super) fn marked(stream: &str) -> Append {
    let metadata = Metadata::of_command(CommandId::new(), BusinessContext::default());
    let event = NewEvent {
        id: EventId::new(),
        event_type: "Unasked".into(),
        schema_version: 1,
        payload: Payload::default(),
        tags: Vec::new(),
        metadata: metadata.into(),
        recorded_at: Timestamp::from_micros(0),
    };
    let stream = StreamId::new(stream).expect("the names of mutants are valid");
    Append::one(stream, ExpectedVersion::Any, vec![event])
}

/// Each method is sound until a defect changes it.
#[async_trait]
pub(super) trait Defect: std::fmt::Debug + Send + Sync + 'static {
    async fn append(store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
        append.validate(PAYLOAD_LIMIT)?;
        store.append(append).await
    }

    async fn command_outcome(
        store: &MemoryStore,
        command: CommandId,
    ) -> Result<Option<Appended>, StoreError> {
        store.command_outcome(command).await
    }

    async fn read_stream(store: &MemoryStore, read: StreamRead) -> Result<StreamPage, StoreError> {
        store.read_stream(read).await
    }

    async fn fold_stream(
        store: &MemoryStore,
        stream: &StreamId,
        after: Version,
        folder: StreamFolder,
    ) -> Result<Version, StoreError> {
        store.fold_stream(stream, after, folder).await
    }

    async fn read_log(store: &MemoryStore, read: LogRead) -> Result<LogPage, StoreError> {
        store.read_log(read).await
    }

    async fn stream_version(store: &MemoryStore, stream: &StreamId) -> Result<Version, StoreError> {
        store.stream_version(stream).await
    }

    async fn head(store: &MemoryStore) -> Result<Position, StoreError> {
        store.head().await
    }

    async fn wait_past(store: &MemoryStore, position: Position) -> Result<Position, StoreError> {
        store.wait_past(position).await
    }

    async fn load_snapshot(
        store: &MemoryStore,
        key: &SnapshotKey,
    ) -> Result<Option<Snapshot>, StoreError> {
        store.load_snapshot(key).await
    }

    async fn save_snapshot(
        store: &MemoryStore,
        key: &SnapshotKey,
        snapshot: Snapshot,
    ) -> Result<(), StoreError> {
        store.save_snapshot(key, snapshot).await
    }

    async fn documents(
        store: &MemoryStore,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        store.documents(projection, keys).await
    }

    async fn document_page(
        store: &MemoryStore,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        store.document_page(projection, after, limit).await
    }

    async fn checkpoint(
        store: &MemoryStore,
        projection: &ProjectionId,
    ) -> Result<Position, StoreError> {
        store.checkpoint(projection).await
    }

    async fn commit_projection(
        store: &MemoryStore,
        commit: ProjectionCommit,
    ) -> Result<(), CommitError> {
        store.commit_projection(commit).await
    }

    async fn active_version(store: &MemoryStore, name: &str) -> Result<Option<u32>, StoreError> {
        store.active_version(name).await
    }

    async fn drop_projection(
        store: &MemoryStore,
        projection: &ProjectionId,
    ) -> Result<(), StoreError> {
        store.drop_projection(projection).await
    }

    async fn parked(store: &MemoryStore, projection: &ProjectionId) -> Result<Parked, StoreError> {
        store.parked(projection).await
    }

    async fn parked_events(
        store: &MemoryStore,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        store.parked_events(projection, key, limit).await
    }

    async fn stored_versions(
        store: &MemoryStore,
        name: &str,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        store.stored_versions(name).await
    }

    async fn replace_projections(
        store: &MemoryStore,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        store.replace_projections(replacements, fence).await
    }

    async fn acquire_lease(
        store: &MemoryStore,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        store.acquire_lease(name, holder, duration).await
    }

    async fn renew_leases(
        store: &MemoryStore,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        store.renew_leases(fences, duration).await
    }

    async fn release_lease(store: &MemoryStore, fence: &Fence) -> Result<(), StoreError> {
        store.release_lease(fence).await
    }

    async fn held_leases(store: &MemoryStore, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        store.held_leases(prefix).await
    }

    /// What is there after a restart.
    async fn reopened(store: &MemoryStore) -> MemoryStore {
        store.clone()
    }

    /// What another instance sees.
    fn second(store: &MemoryStore) -> MemoryStore {
        store.clone()
    }

    /// What the store says that it lacks.
    fn gaps() -> &'static [Gap] {
        &[]
    }
}

/// A store with a defect.
#[derive(Debug)]
pub(super) struct Mutant<D> {
    store: MemoryStore,
    defect: PhantomData<D>,
}

impl<D> From<MemoryStore> for Mutant<D> {
    fn from(store: MemoryStore) -> Self {
        Self { store, defect: PhantomData }
    }
}

impl<D> Clone for Mutant<D> {
    fn clone(&self) -> Self {
        self.store.clone().into()
    }
}

impl<D: Defect> Mutant<D> {
    pub(super) async fn reopened(&self) -> Self {
        D::reopened(&self.store).await.into()
    }

    pub(super) fn second(&self) -> Self {
        D::second(&self.store).into()
    }
}

#[async_trait]
impl<D: Defect> EventStore for Mutant<D> {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        D::append(&self.store, append).await
    }

    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError> {
        D::command_outcome(&self.store, command).await
    }

    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError> {
        D::read_stream(&self.store, read).await
    }

    async fn fold_stream(
        &self,
        stream: &StreamId,
        after: Version,
        folder: StreamFolder,
    ) -> Result<Version, StoreError> {
        D::fold_stream(&self.store, stream, after, folder).await
    }

    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError> {
        D::read_log(&self.store, read).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError> {
        D::stream_version(&self.store, stream).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        D::head(&self.store).await
    }

    async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        D::wait_past(&self.store, position).await
    }
}

#[async_trait]
impl<D: Defect> SnapshotStore for Mutant<D> {
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
        D::load_snapshot(&self.store, key).await
    }

    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError> {
        D::save_snapshot(&self.store, key, snapshot).await
    }
}

#[async_trait]
impl<D: Defect> ReadModelStore for Mutant<D> {
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        D::documents(&self.store, projection, keys).await
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        D::document_page(&self.store, projection, after, limit).await
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        D::checkpoint(&self.store, projection).await
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        D::commit_projection(&self.store, commit).await
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        D::active_version(&self.store, name).await
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        D::drop_projection(&self.store, projection).await
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        D::parked(&self.store, projection).await
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        D::parked_events(&self.store, projection, key, limit).await
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        D::stored_versions(&self.store, name).await
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        D::replace_projections(&self.store, replacements, fence).await
    }
}

#[async_trait]
impl<D: Defect> LeaseStore for Mutant<D> {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        D::acquire_lease(&self.store, name, holder, duration).await
    }

    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        D::renew_leases(&self.store, fences, duration).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        D::release_lease(&self.store, fence).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        D::held_leases(&self.store, prefix).await
    }
}
