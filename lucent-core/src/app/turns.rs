//! Taking turns: commands of one process that are decided on events of one tag.
//!
//! Invariant: turns only save retries; what keeps decisions apart is the append's condition. Places
//! are always taken in ascending order, so nobody waits in a circle.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::store::QueryItem;

/// Places, one of which each tag has; several tags may share one.
pub(crate) struct Turns {
    places: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

/// The places of a command; giving them up is dropping them.
pub(super) type Turn = Vec<OwnedMutexGuard<()>>;

impl Turns {
    /// Waits until no other command of the process is at these tags. Cancel safe.
    pub(super) async fn take(&self, items: &[QueryItem]) -> Turn {
        let tags = items.iter().flat_map(|item| &item.tags);
        let place = |hash: u64| usize::try_from(hash % PLACES).unwrap_or_default();
        let mut places: Vec<usize> = tags.map(|tag| place(self.hasher.hash_one(tag))).collect();
        places.sort_unstable();
        places.dedup();
        let mut turn = Vec::with_capacity(places.len());
        for place in places {
            turn.push(Arc::clone(&self.places[place]).lock_owned().await);
        }
        turn
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| Arc::default()).collect(), hasher: RandomState::new() }
    }
}

const PLACES: u64 = 1024;
