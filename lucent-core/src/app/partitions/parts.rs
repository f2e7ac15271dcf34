//! How far the partitions of a projection have come, wherever they are worked on.
//!
//! Invariant: the whole has seen a position only if every partition has; what other nodes have done
//! is read from their checkpoints, never guessed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    app::{
        partitions::part_store::part_of,
        progress::{PartitionStatus, Progress},
        running::RunningProjection,
    },
    position::Position,
    query::StuckCause,
    store::{ParkedKeys, ProjectionId, ReadModelStore, StoreError},
};

/// The partitions of a projection, as this node knows them.
#[derive(Default)]
pub(crate) struct Parts {
    count: u32,
    /// Those that this node works on.
    local: Mutex<BTreeMap<u32, Arc<RunningProjection>>>,
    /// How far the others were when they were last looked at.
    remote: Mutex<BTreeMap<u32, Remote>>,
    /// Has this node look at the store and at its leases now.
    pub(crate) poke: Arc<Notify>,
}

/// How far a partition was, and what it had parked up to there.
struct Remote {
    position: Position,
    parked: Arc<ParkedKeys>,
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

    /// Has the workers look at what is stored now.
    pub(crate) fn tell(&self) {
        lock(&self.local).values().for_each(|part| part.changed.notify_one());
    }

    /// The position that every partition has reached, as far as this node knows.
    pub(crate) fn position(&self) -> Position {
        let (local, remote) = (lock(&self.local), lock(&self.remote));
        let position = |index| match local.get(&index) {
            Some(part) => part.progress.borrow().position,
            None => remote.get(&index).map_or(Position::ZERO, |remote| remote.position),
        };
        (0..self.count).map(position).min().unwrap_or_default()
    }

    /// Which keys have parked events, as far as this node knows.
    pub(crate) fn parked(&self) -> ParkedKeys {
        let (local, remote) = (lock(&self.local), lock(&self.remote));
        let mut all = ParkedKeys::none();
        for index in 0..self.count {
            let parked = match (local.get(&index), remote.get(&index)) {
                (Some(part), _) => part.parked(),
                (None, Some(remote)) => Arc::clone(&remote.parked),
                (None, None) => continue,
            };
            parked.iter().for_each(|(key, first)| all.hold(key.clone(), first));
        }
        all
    }

    /// How far each partition has come, as far as this node knows.
    pub(crate) fn statuses(&self) -> Vec<PartitionStatus> {
        let (local, remote) = (lock(&self.local), lock(&self.remote));
        let status = |index| match (local.get(&index), remote.get(&index)) {
            (Some(part), _) => {
                let progress = part.progress.borrow().clone();
                let (position, failure) = (progress.position, progress.failure);
                let parked_keys = part.parked().len();
                PartitionStatus { index, position, parked_keys, is_here: true, failure }
            }
            (None, remote) => PartitionStatus {
                index,
                position: remote.map_or(Position::ZERO, |remote| remote.position),
                parked_keys: remote.map_or(0, |remote| remote.parked.len()),
                is_here: false,
                failure: None,
            },
        };
        (0..self.count).map(status).collect()
    }

    /// Where the partitions of a version keep what is theirs.
    pub(crate) fn ids(&self, projection: &ProjectionId) -> Arc<[ProjectionId]> {
        (0..self.count).map(|index| part_of(projection, index)).collect()
    }

    /// How far the whole has come, from what this node's partitions say.
    pub(crate) fn progress(&self, whole: &Progress) -> Progress {
        let position = self.position();
        let local = lock(&self.local);
        let parts: Vec<Progress> =
            local.values().map(|part| part.progress.borrow().clone()).collect();
        let heads = parts.iter().map(|part| part.head);
        Progress {
            position,
            head: heads.fold(whole.head.max(position), Position::max),
            caught_up: !parts.is_empty() && parts.iter().all(|part| part.caught_up),
            failure: parts.iter().find_map(|part| part.failure.clone()),
            stuck: parts.iter().find_map(needs_help),
            moved: parts.iter().map(|part| part.moved).fold(whole.moved, Instant::max),
            began: parts.iter().map(|part| part.began).min().unwrap_or(whole.began),
        }
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

    /// Waits until every partition has seen a position and queries are answered from this version,
    /// or gives the reason why that will not come about without help. Cancel safe.
    pub(crate) async fn seen(
        &self,
        whole: &RunningProjection,
        wanted: Position,
    ) -> Result<Option<StuckCause>, StoreError> {
        let mut index = 0;
        while index < self.count {
            // It may move to another node, or to this one, while somebody waits for it.
            let Some(part) = self.local(index) else {
                if self.look_at(&*whole.store, &whole.id, index).await? >= wanted {
                    index += 1;
                } else {
                    tokio::time::sleep(LOOK).await;
                }
                continue;
            };
            let mut progress = part.progress.subscribe();
            let over =
                |progress: &Progress| progress.position >= wanted || needs_help(progress).is_some();
            if let Ok(Ok(progress)) = tokio::time::timeout(LOOK, progress.wait_for(over)).await {
                if progress.position < wanted {
                    return Ok(needs_help(&progress));
                }
                index += 1;
            }
        }
        // While a new version is built, queries are answered from the old one, which no longer
        // moves: a position counts as seen once the new one has taken over.
        while !whole.is_active() {
            if let Some(active) = whole.rolled_back_to() {
                return Ok(Some(StuckCause::RolledBack { active }));
            }
            match whole.store.active_version(&whole.id.name).await? {
                Some(active) if active == whole.id.version => whole.answer_from(active),
                _ => match whole.progress().stuck {
                    Some(cause) => return Ok(Some(cause)),
                    None => tokio::time::sleep(LOOK).await,
                },
            }
        }
        Ok(None)
    }

    async fn look_at(
        &self,
        store: &dyn ReadModelStore,
        projection: &ProjectionId,
        index: u32,
    ) -> Result<Position, StoreError> {
        let part = part_of(projection, index);
        let position = store.checkpoint(&part).await?;
        let parked = Arc::new(ParkedKeys::from(&store.parked(&part).await?));
        lock(&self.remote).insert(index, Remote { position, parked });
        Ok(position)
    }

    fn local(&self, index: u32) -> Option<Arc<RunningProjection>> {
        lock(&self.local).get(&index).cloned()
    }
}

/// Why a partition will not move on; one that was stopped is handed over to another node.
fn needs_help(progress: &Progress) -> Option<StuckCause> {
    progress.stuck.clone().filter(|cause| !matches!(cause, StuckCause::Stopped))
}

/// A panic while such a lock is held leaves the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often somebody who waits looks at what other nodes have done.
const LOOK: Duration = Duration::from_millis(20);
