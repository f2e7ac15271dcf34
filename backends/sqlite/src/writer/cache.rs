//! What the writer remembers of the file between batches.
//!
//! Invariant: it is used only while no other connection has written since it was filled, and it is
//! forgotten whenever a transaction is rolled back.

use std::{collections::HashMap, num::NonZeroUsize};

use lru::LruCache;
use lucent_core::{StreamId, store::ProjectionId};

/// Versions of streams, checkpoints of projections, the head of the log.
#[derive(Debug)]
pub(crate) struct Cache {
    /// The state of the file that all of this is about.
    pub(crate) data_version: Option<i64>,
    pub(crate) head: u64,
    pub(crate) versions: LruCache<StreamId, u64>,
    pub(crate) projections: HashMap<ProjectionId, StoredProjection>,
}

/// A row of the table of projections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredProjection {
    pub(crate) id: i64,
    pub(crate) checkpoint: u64,
    /// How often what it has parked was changed.
    pub(crate) revision: u64,
    /// Whether the checkpoint is to be written before the commit.
    pub(crate) moved: bool,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            data_version: None,
            head: 0,
            versions: LruCache::new(STREAMS),
            projections: HashMap::new(),
        }
    }

    /// Forgets everything.
    pub(crate) fn forget(&mut self) {
        self.data_version = None;
        self.head = 0;
        self.versions.clear();
        self.projections.clear();
    }
}

/// How many streams' versions are remembered.
const STREAMS: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("it is not zero");
