//! Snapshots in memory.
//!
//! Invariant: of one key and shape, the newest one stays.

use std::collections::HashMap;

use crate::store::{Snapshot, SnapshotKey};

/// The newest snapshot of each key.
#[derive(Default)]
pub(super) struct Snapshots(HashMap<SnapshotKey, Snapshot>);

impl Snapshots {
    /// Keeps a snapshot, unless a newer one of the same shape is kept.
    pub(super) fn save(&mut self, key: &SnapshotKey, snapshot: Snapshot) {
        let outdated = self.0.get(key).is_some_and(|kept| {
            kept.schema_version == snapshot.schema_version && kept.version > snapshot.version
        });
        if !outdated {
            self.0.insert(key.clone(), snapshot);
        }
    }

    /// The snapshot of a key.
    pub(super) fn load(&self, key: &SnapshotKey) -> Option<Snapshot> {
        self.0.get(key).cloned()
    }
}
