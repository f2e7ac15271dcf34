//! The contract between Lucent and its stores.

mod append;
mod contract;
mod error;
mod filter;
mod fold;
mod leases;
mod parked;
mod read;
mod read_models;
mod snapshots;

pub use append::{
    Append, AppendCondition, AppendError, Appended, ExpectedVersion, InlineProjections,
    JoinedCommand, StreamWrite, VersionConflict,
};
pub use contract::{EventStore, Store};
pub use error::StoreError;
pub use filter::{EventFilter, EventQuery, QueryItem};
pub use fold::StreamFolder;
pub use leases::{Fence, HeldLease, LeaseOutcome, LeaseStore, lease_micros};
pub use parked::{
    Parked, ParkedChange, ParkedEvent, ParkedKey, ParkedKeys, ParkedLine, StoredVersion,
};
pub use read::{LogPage, LogRead, PageLimit, ReadFrom, StreamPage, StreamRead};
pub use read_models::{
    CommitError, Document, DocumentChange, DocumentKey, ProjectionCommit, ProjectionId,
    ReadModelStore, Replacement,
};
pub use snapshots::{Snapshot, SnapshotKey, SnapshotStore};
