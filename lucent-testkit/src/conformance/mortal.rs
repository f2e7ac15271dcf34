//! A store as a program has it that may be killed.
//!
//! Invariant: after the death no call is answered, as none would be in a process that is gone; what
//! was asked before may or may not have happened.

use std::{fmt, future::pending, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use lucent_core::{
    CommandId, Position, StreamId, Version,
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore, Fence,
        HeldLease, LeaseOutcome, LeaseStore, LogPage, LogRead, Parked, ParkedEvent, ParkedKey,
        ProjectionCommit, ProjectionId, ReadModelStore, Replacement, Snapshot, SnapshotKey,
        SnapshotStore, StoreError, StoredVersion, StreamPage, StreamRead,
    },
};
use tokio::sync::watch;

use crate::conformance::Handle;

/// A handle on a store, until its holder dies.
pub(super) struct Mortal {
    store: Handle,
    dead: watch::Receiver<bool>,
}

/// Ends the life of who holds a [`Mortal`] store.
pub(super) struct Death(watch::Sender<bool>);

impl Mortal {
    pub(super) fn over(store: Handle) -> (Self, Death) {
        let (death, dead) = watch::channel(false);
        (Self { store, dead }, Death(death))
    }

    async fn alive<T>(&self, asked: impl Future<Output = T>) -> T {
        let mut dead = self.dead.clone();
        let death = async {
            if dead.wait_for(|dead| *dead).await.is_err() {
                // Nobody is left who could bring it about.
                pending().await
            }
        };
        tokio::select! {
            biased;
            () = death => pending().await,
            answer = asked => answer,
        }
    }
}

impl From<Handle> for Mortal {
    /// A handle whose holder lives on.
    fn from(store: Handle) -> Self {
        Self::over(store).0
    }
}

impl Death {
    /// From now on, nothing is answered.
    pub(super) fn come(self) {
        self.0.send_replace(true);
    }
}

impl fmt::Debug for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mortal").field(&self.store).finish()
    }
}

/// Writes the methods of a trait: each asks the store, as long as its holder lives.
macro_rules! mortal {
    ($($contract:ident {
        $(fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {$(
        #[async_trait]
        impl $contract for Mortal {
            $(async fn $method(&self, $($argument: $type),*) -> $answer {
                self.alive(self.store.$method($($argument),*)).await
            })*
        }
    )*};
}

mortal! {
    EventStore {
        fn append(append: Append) -> Result<Appended, AppendError>;
        fn command_outcome(command: CommandId) -> Result<Option<Appended>, StoreError>;
        fn read_stream(read: StreamRead) -> Result<StreamPage, StoreError>;
        fn read_log(read: LogRead) -> Result<LogPage, StoreError>;
        fn stream_version(stream: &StreamId) -> Result<Version, StoreError>;
        fn head() -> Result<Position, StoreError>;
        fn wait_past(position: Position) -> Result<Position, StoreError>;
    }
    SnapshotStore {
        fn load_snapshot(key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError>;
        fn save_snapshot(key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError>;
    }
    ReadModelStore {
        fn documents(of: &ProjectionId, keys: &[DocumentKey]) -> Result<Vec<Option<Bytes>>, StoreError>;
        fn document_page(of: &ProjectionId, after: Option<&DocumentKey>, limit: usize) -> Result<Vec<Document>, StoreError>;
        fn checkpoint(of: &ProjectionId) -> Result<Position, StoreError>;
        fn commit_projection(commit: ProjectionCommit) -> Result<(), CommitError>;
        fn active_version(name: &str) -> Result<Option<u32>, StoreError>;
        fn drop_projection(dropped: &ProjectionId) -> Result<(), StoreError>;
        fn parked(of: &ProjectionId) -> Result<Parked, StoreError>;
        fn parked_events(of: &ProjectionId, key: &ParkedKey, limit: usize) -> Result<Vec<ParkedEvent>, StoreError>;
        fn stored_versions(name: &str) -> Result<Vec<StoredVersion>, StoreError>;
        fn replace_projections(replacements: &[Replacement], fence: Option<&Fence>) -> Result<(), CommitError>;
    }
    LeaseStore {
        fn acquire_lease(name: &str, holder: &str, duration: Duration) -> Result<LeaseOutcome, StoreError>;
        fn renew_leases(fences: &[Fence], duration: Duration) -> Result<Vec<Fence>, StoreError>;
        fn release_lease(fence: &Fence) -> Result<(), StoreError>;
        fn held_leases(prefix: &str) -> Result<Vec<HeldLease>, StoreError>;
    }
}
