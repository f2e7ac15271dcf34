//! How far the partitions of a projection have come, wherever they are worked on.
//!
//! Invariant: the whole has seen a position only if every partition has; what other nodes have done
//! is read from their checkpoints, never guessed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    app::{partitions::part_store::part_of, projections::RunningProjection},
    position::Position,
    store::{ProjectionId, ReadModelStore, StoreError},
};

/// The partitions of a projection, as this node knows them.
#[derive(Default)]
pub(crate) struct Parts {
    count: u32,
    /// Those that this node works on.
    local: Mutex<BTreeMap<u32, Arc<RunningProjection>>>,
    /// How far the others were when they were last looked at.
    remote: Mutex<BTreeMap<u32, Position>>,
}

impl Parts {
    pub(crate) fn new(count: u32) -> Self {
        Self { count, ..Self::default() }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// From now on, this node works on a partition.
    pub(crate) fn add(&self, index: u32, part: Arc<RunningProjection>) {
        lock(&self.local).insert(index, part);
    }

    /// From now on, it does not.
    pub(crate) fn remove(&self, index: u32) {
        lock(&self.local).remove(&index);
    }

    /// The position that every partition has reached, as far as this node knows.
    pub(crate) fn position(&self) -> Position {
        let (local, remote) = (lock(&self.local), lock(&self.remote));
        let position = |index| match local.get(&index) {
            Some(part) => part.progress.borrow().position,
            None => remote.get(&index).copied().unwrap_or_default(),
        };
        (0..self.count).map(position).min().unwrap_or_default()
    }

    /// Why one of this node's partitions does not move on.
    pub(crate) fn failure(&self) -> Option<String> {
        let local = lock(&self.local);
        local.values().find_map(|part| part.progress.borrow().failure.clone())
    }

    /// Whether this node works on partitions, and each of them has seen the whole log.
    pub(crate) fn caught_up(&self) -> bool {
        let local = lock(&self.local);
        !local.is_empty() && local.values().all(|part| part.progress.borrow().caught_up)
    }

    /// Looks at the checkpoints of the partitions that others work on.
    pub(crate) async fn look(
        &self,
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
    ) -> Result<(), StoreError> {
        for index in 0..self.count {
            if self.local(index).is_none() {
                self.look_at(store, projection, index).await?;
            }
        }
        Ok(())
    }

    /// Waits until every partition has seen a position. Cancel safe.
    pub(crate) async fn reached(
        &self,
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
        wanted: Position,
    ) -> Result<(), StoreError> {
        for index in 0..self.count {
            loop {
                // It may move to another node, or to this one, while somebody waits for it.
                let Some(part) = self.local(index) else {
                    if self.look_at(store, projection, index).await? >= wanted {
                        break;
                    }
                    tokio::time::sleep(LOOK).await;
                    continue;
                };
                let mut progress = part.progress.subscribe();
                let reached = progress.wait_for(|progress| progress.position >= wanted);
                if tokio::time::timeout(LOOK, reached).await.is_ok() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn look_at(
        &self,
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
        index: u32,
    ) -> Result<Position, StoreError> {
        let position = store.checkpoint(&part_of(projection, index)).await?;
        lock(&self.remote).insert(index, position);
        Ok(position)
    }

    fn local(&self, index: u32) -> Option<Arc<RunningProjection>> {
        lock(&self.local).get(&index).cloned()
    }
}

/// A panic while such a lock is held leaves the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often somebody who waits looks at what other nodes have done.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
