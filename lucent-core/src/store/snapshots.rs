//! Keeping the states of aggregates, so that long streams load fast.
//!
//! Invariant: a snapshot is a cache. Losing one, or failing to read one, costs time only.

use async_trait::async_trait;

use crate::{
    payload::Payload,
    position::{Position, Version},
    store::StoreError,
    stream::StreamId,
};

/// Which snapshot.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SnapshotKey {
    /// The stream whose state it is.
    pub stream: StreamId,
    /// The name of the aggregate's type.
    pub aggregate: &'static str,
}

/// The state of an aggregate at a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The version that the state stands at.
    pub version: Version,
    /// The position of the last event in the state.
    pub position: Position,
    /// The version of the state's shape.
    pub schema_version: u32,
    /// The encoded state.
    pub payload: Payload,
}

/// A store of snapshots: the newest one per key.
#[async_trait]
pub trait SnapshotStore: std::fmt::Debug + Send + Sync + 'static {
    /// The snapshot of this key, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError>;

    /// Keeps a snapshot, unless a newer one of the same shape is kept already.
    ///
    /// # Errors
    /// When the store fails.
    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError>;
}
