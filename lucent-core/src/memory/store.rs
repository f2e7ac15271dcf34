//! The store's face: the contract's traits over the shared state.
//!
//! Invariant: the lock is held for one short step at a time and never across an await.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{Ordering, fence},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    event::CommandId,
    memory::{
        commit::State,
        scan::{LogScan, stream_page},
    },
    position::{Position, Version},
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore, Fence,
        HeldLease, LeaseOutcome, LeaseStore, LogPage, LogRead, Parked, ParkedEvent, ParkedKey,
        ProjectionCommit, ProjectionId, ReadModelStore, Replacement, Snapshot, SnapshotKey,
        SnapshotStore, StoreError, StoredVersion, StreamPage, StreamRead,
    },
    stream::StreamId,
};

/// Events, snapshots and read models in memory; they are gone when the last clone is dropped.
///
/// Clones share the store. Positions are consecutive. Everything else is as the contract says, so
/// what passes on this store passes on the durable ones.
///
/// ```
/// use lucent_core::{MemoryStore, StreamId, store::{EventStore as _, StreamRead}};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let page = store.read_stream(StreamRead::forward(StreamId::new("account-42")?)).await?;
/// assert!(page.events.is_empty() && page.end);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// The position of the newest event that waiters were told of.
    head: watch::Sender<Position>,
}

impl MemoryStore {
    /// The length limit of a payload in bytes.
    pub const PAYLOAD_LIMIT: usize = 16 << 20;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic while the lock is held leaves the state whole, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells waiters of a new head. Appends may get here out of order.
    fn announce(&self, position: Position) {
        // Either this sees the waiter, or the waiter, who comes later, sees the events.
        fence(Ordering::SeqCst);
        if self.shared.head.receiver_count() == 0 {
            return;
        }
        self.shared.head.send_if_modified(|head| {
            let newer = position > *head;
            if newer {
                *head = position;
            }
            newer
        });
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("head", &self.state().log.head())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        append.validate(Self::PAYLOAD_LIMIT)?;
        let appended = self.state().append(append)?;
        self.announce(appended.position);
        Ok(appended)
    }

    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError> {
        Ok(self.state().commands.get(&command).cloned())
    }

    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError> {
        Ok(stream_page(&self.state().log, &read))
    }

    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError> {
        let mut scan = LogScan::new(read);
        loop {
            let page = scan.turn(&self.state().log);
            if let Some(page) = page {
                return Ok(page);
            }
        }
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError> {
        Ok(self.state().log.version(stream))
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.state().log.head())
    }

    async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        let mut head = self.shared.head.subscribe();
        fence(Ordering::SeqCst);
        let now = self.head().await?;
        if now > position {
            return Ok(now);
        }
        let reached = head.wait_for(|head| *head > position).await;
        match reached {
            Ok(head) => Ok(*head),
            Err(_) => {
                Err(StoreError::Closed { reason: "the in-memory store was dropped".to_owned() })
            }
        }
    }
}

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.state().snapshots.load(key))
    }

    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError> {
        self.state().snapshots.save(key, snapshot);
        Ok(())
    }
}

#[async_trait]
impl ReadModelStore for MemoryStore {
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let state = self.state();
        let documents = keys.iter().map(|key| state.read_models.document(projection, key));
        Ok(documents.collect())
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        Ok(self.state().read_models.document_page(projection, after, limit))
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        Ok(self.state().read_models.checkpoint(projection))
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        self.state().commit_projection(commit)
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        Ok(self.state().read_models.active_version(name))
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        self.state().read_models.drop_projection(projection);
        Ok(())
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        Ok(self.state().read_models.parked(projection))
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        Ok(self.state().read_models.parked_events(projection, key, limit))
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        Ok(self.state().read_models.versions(name))
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        self.state().replace_projections(replacements, fence)
    }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        Ok(self.state().leases.acquire(name, holder, duration))
    }

    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        Ok(self.state().leases.renew(fences, duration))
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        self.state().leases.release(fence);
        Ok(())
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        Ok(self.state().leases.held(prefix))
    }
}
