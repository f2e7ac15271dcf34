//! An in-memory store that fails on demand.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use lucent_core::{
    CommandId, MemoryStore, Position, StreamId, Version,
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore, Fence,
        HeldLease, LeaseOutcome, LeaseStore, LogPage, LogRead, Parked, ParkedEvent, ParkedKey,
        ProjectionCommit, ProjectionId, ReadFrom, ReadModelStore, Replacement, Snapshot,
        SnapshotKey, SnapshotStore, StoreError, StoredVersion, StreamPage, StreamRead,
        VersionConflict,
    },
};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fault {
    #[default]
    None,
    /// Appends are in conflict.
    Conflict,
    /// Appends are refused for now.
    Busy,
    /// Appends happen, and never answer.
    Hang,
    /// Appends that add a coin of 13 are refused.
    Superstition,
    /// Appends wait for another fault to be set, and then have that one.
    Hold,
    /// Appends happen, and the connection is gone before they answer.
    Unknown,
    /// Snapshots cannot be saved.
    NoSnapshots,
    /// No version of a projection can take over.
    NoActivation,
    /// The next command id that is asked for is not known yet.
    ForgetCommandOnce,
    /// Reading the log and appending let others go first.
    Yield,
    /// No step of a projection is taken.
    NoSteps,
    /// Steps of projections reach the store only when this is over.
    HeldSteps,
    /// Steps of who builds something anew reach the store only when this is over.
    HeldRebuilds,
    /// Whatever is asked of the store reaches it only when this is over.
    Frozen,
    /// The log cannot be read after its first 20,000 events.
    TornLog,
    /// What is asked about leases reaches the store only when this is over.
    FrozenLeases,
}

#[derive(Debug, Default)]
pub struct Faults {
    fault: watch::Sender<Fault>,
    appends: AtomicUsize,
    steps: AtomicUsize,
    before_append: Hook,
}

/// What others do before an append.
#[derive(Default)]
struct Hook(Mutex<Option<BoxFuture<'static, ()>>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl Faults {
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// How many steps of projections and event handlers were taken.
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    /// What others do before the next append comes to the store.
    pub fn before_the_next_append(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.before_append.0.lock().unwrap() = Some(Box::pin(act));
    }

    async fn let_others_go_first(&self) {
        if self.get() == Fault::Yield {
            tokio::task::yield_now().await;
        }
    }

    fn get(&self) -> Fault {
        *self.fault.borrow()
    }

    async fn unless_held(&self) -> Fault {
        *self.fault.subscribe().wait_for(|fault| *fault != Fault::Hold).await.unwrap()
    }

    /// Waits until the fault is over.
    async fn end_of(&self, fault: Fault) {
        let mut faults = self.fault.subscribe();
        faults.wait_for(|now| *now != fault).await.unwrap();
    }
}

#[derive(Clone, Debug)]
pub struct StoreWithFaults {
    inner: MemoryStore,
    faults: Arc<Faults>,
}

impl StoreWithFaults {
    pub fn new() -> (Self, Arc<Faults>) {
        Self::over(MemoryStore::new())
    }

    /// Faults in front of a store that others use without them.
    pub fn over(inner: MemoryStore) -> (Self, Arc<Faults>) {
        let faults = Arc::<Faults>::default();
        (Self { inner, faults: Arc::clone(&faults) }, faults)
    }

    async fn leases(&self) -> &MemoryStore {
        self.faults.end_of(Fault::FrozenLeases).await;
        self.thawed().await
    }

    async fn thawed(&self) -> &MemoryStore {
        self.faults.end_of(Fault::Frozen).await;
        &self.inner
    }
}

fn adds_thirteen(append: &Append) -> bool {
    let mut events = append.writes.iter().flat_map(|write| &write.events);
    events.any(|event| event.payload.data.windows(2).any(|digits| digits == b"13"))
}

fn busy() -> StoreError {
    StoreError::Busy { reason: "a test says so".to_owned() }
}

#[async_trait]
impl EventStore for StoreWithFaults {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.faults.appends.fetch_add(1, Ordering::SeqCst);
        let hook = self.faults.before_append.0.lock().unwrap().take();
        if let Some(hook) = hook {
            hook.await;
        }
        self.faults.let_others_go_first().await;
        match self.faults.unless_held().await {
            Fault::Conflict => Err(VersionConflict::WrongVersion {
                stream: append.writes[0].stream.clone(),
                expected: Version::ZERO,
                found: Version::new(9),
            }
            .into()),
            Fault::Busy => Err(busy().into()),
            Fault::Superstition if adds_thirteen(&append) => {
                Err(AppendError::Invalid { reason: "it brings bad luck".to_owned() })
            }
            Fault::Hang => {
                self.inner.append(append).await?;
                std::future::pending().await
            }
            Fault::Unknown => {
                self.inner.append(append).await?;
                Err(StoreError::OutcomeUnknown {
                    location: "a test".to_owned(),
                    reason: "the connection was lost".to_owned(),
                }
                .into())
            }
            _ => self.thawed().await.append(append).await,
        }
    }

    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError> {
        if self.faults.get() == Fault::ForgetCommandOnce {
            self.faults.set(Fault::None);
            return Ok(None);
        }
        self.thawed().await.command_outcome(command).await
    }

    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError> {
        self.thawed().await.read_stream(read).await
    }

    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError> {
        self.faults.let_others_go_first().await;
        if self.faults.get() == Fault::TornLog
            && matches!(read.from, ReadFrom::After(after) if after.get() >= 20_000)
        {
            return Err(busy());
        }
        self.thawed().await.read_log(read).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError> {
        self.thawed().await.stream_version(stream).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.thawed().await.head().await
    }

    async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        self.thawed().await.wait_past(position).await
    }
}

#[async_trait]
impl SnapshotStore for StoreWithFaults {
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
        self.inner.load_snapshot(key).await
    }

    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError> {
        match self.faults.get() {
            Fault::NoSnapshots => Err(busy()),
            _ => self.inner.save_snapshot(key, snapshot).await,
        }
    }
}

#[async_trait]
impl ReadModelStore for StoreWithFaults {
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.thawed().await.documents(projection, keys).await
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.thawed().await.document_page(projection, after, limit).await
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        self.thawed().await.checkpoint(projection).await
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        self.faults.end_of(Fault::HeldSteps).await;
        if commit.fence.is_some() && commit.projection.rebuilds().is_some() {
            self.faults.end_of(Fault::HeldRebuilds).await;
        }
        self.thawed().await;
        match self.faults.get() {
            Fault::NoActivation if commit.activate => Err(busy().into()),
            Fault::NoSteps => Err(busy().into()),
            _ => {
                self.inner.commit_projection(commit).await?;
                self.faults.steps.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        }
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        self.thawed().await.active_version(name).await
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        self.inner.drop_projection(projection).await
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        self.inner.parked(projection).await
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        self.inner.parked_events(projection, key, limit).await
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        self.inner.stored_versions(name).await
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        self.thawed().await.replace_projections(replacements, fence).await
    }
}

#[async_trait]
impl LeaseStore for StoreWithFaults {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        self.leases().await.acquire_lease(name, holder, duration).await
    }

    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        self.leases().await.renew_leases(fences, duration).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        self.leases().await.release_lease(fence).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        self.leases().await.held_leases(prefix).await
    }
}
