//! A projection in partitions, as its nodes share it.
//!
//! Invariant: queries are answered from this version once all of its partitions have caught up,
//! whoever works on them, and never after somebody has gone back to an older one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use crate::{
    app::{
        partitions::{
            divided::Divided,
            node::PartitionNode,
            part_store::{PartStore, activate_if_complete},
            parts::Parts,
            rebuild::{self, DividedRebuild},
        },
        projection_worker::ProjectionWorker,
        running::RunningProjection,
        task::{StopSignal, Tasks},
    },
    projection::Partition,
    store::{CommitError, EventStore, Fence, LeaseStore, ProjectionId, StoreError},
};

/// A projection and its partitions.
pub(crate) struct DividedProjection {
    events: Arc<dyn EventStore>,
    leases: Arc<dyn LeaseStore>,
    running: Arc<RunningProjection>,
    parts: Arc<Parts>,
    duration: Duration,
    /// This node's part in a rebuild, while there is one.
    rebuilding: Mutex<Option<Tasks>>,
}

/// What the leases of a version are called.
pub(super) fn lease_name(projection: &ProjectionId) -> String {
    format!("projection/{}/{}", projection.name, projection.version)
}

impl DividedProjection {
    pub(crate) fn new(
        events: &Arc<dyn EventStore>,
        leases: &Arc<dyn LeaseStore>,
        running: &Arc<RunningProjection>,
        parts: &Arc<Parts>,
        duration: Duration,
    ) -> Self {
        Self {
            events: Arc::clone(events),
            leases: Arc::clone(leases),
            running: Arc::clone(running),
            parts: Arc::clone(parts),
            duration,
            rebuilding: Mutex::default(),
        }
    }

    /// Takes part in a rebuild that was begun, wherever that was, until it is over.
    async fn look_for_rebuilds(&self) -> Result<(), StoreError> {
        let running = &self.running;
        let known = running.rebuild();
        let mut begun = false;
        for stored in running.store.stored_versions(&running.id.rebuild().name).await? {
            begun |= stored.version == running.id.version;
            if stored.version < running.id.version && running.is_active() {
                // What it was to replace does not answer any more.
                let older = ProjectionId { version: stored.version, ..running.id.clone() };
                rebuild::cancel(&*running.store, &*self.leases, &older, self.duration).await?;
            }
        }
        let taking_part = self.rebuilding().take();
        match (begun, taking_part) {
            (true, None) => {
                rebuild::observe(running).await?;
                *self.rebuilding() = Some(self.take_part());
            }
            (true, some) => *self.rebuilding() = some,
            (false, some) => {
                if let Some(tasks) = some {
                    tasks.stop().await;
                }
                if let Some(known) = known {
                    running.end_rebuild(&known);
                }
            }
        }
        Ok(())
    }

    /// Answers from the version that another node has chosen: an older one, or this one again.
    async fn look_at_the_version(&self) -> Result<(), StoreError> {
        let running = &self.running;
        let Some(stored) = running.store.active_version(&running.id.name).await? else {
            return Ok(());
        };
        // Before this version has answered, the older one is not what anybody went back to.
        let has_answered = running.is_active() || running.rolled_back_to().is_some();
        if has_answered && stored <= running.id.version && stored != running.active_id().version {
            tracing::info!(projection = %running.id, version = stored, "another node has queries answered from this version");
            running.answer_from(stored);
        }
        Ok(())
    }

    fn take_part(&self) -> Tasks {
        let rebuild = DividedRebuild {
            events: Arc::clone(&self.events),
            leases: Arc::clone(&self.leases),
            place: Arc::clone(&self.running),
            duration: self.duration,
        };
        let node = PartitionNode::new(Arc::clone(&self.leases), Arc::new(rebuild), self.duration);
        let tasks = Tasks::new();
        tasks.spawn("rebuild".to_owned(), node.run(tasks.signal()));
        tasks
    }

    /// A panic while the lock is held leaves what it guards whole.
    fn rebuilding(&self) -> std::sync::MutexGuard<'_, Option<Tasks>> {
        self.rebuilding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Divided for DividedProjection {
    fn name(&self) -> String {
        lease_name(&self.running.id)
    }

    fn count(&self) -> u32 {
        self.parts.count()
    }

    async fn begin(
        &self,
        partition: Partition,
        fence: Fence,
        stop: StopSignal,
    ) -> Result<BoxFuture<'static, ()>, StoreError> {
        let (index, whole) = (partition.index(), &self.running.projection);
        let projection = whole.of_partition(partition).unwrap_or_else(|| Arc::clone(whole));
        let store = PartStore::of(&self.running, index, self.count(), Some(fence));
        let part =
            RunningProjection::part(projection, Arc::new(store), self.running.policy).await?;
        let part = Arc::new(part);
        let worker = ProjectionWorker::open(Arc::clone(&self.events), Arc::clone(&part)).await?;
        self.parts.add(index, part);
        Ok(Box::pin(worker.run(stop)))
    }

    fn ended(&self, index: u32) {
        self.parts.remove(index);
    }

    /// Notices, or brings about, that queries are answered from this version, too.
    async fn look(&self) -> Result<(), CommitError> {
        let running = &self.running;
        self.parts.look(&*running.store, &running.id).await?;
        self.look_for_rebuilds().await?;
        self.look_at_the_version().await?;
        // Who rolled back wants the older version, until the next start.
        if running.is_active() || running.rolled_back_to().is_some() {
            return Ok(());
        }
        if activate_if_complete(&*running.store, &running.id, self.count()).await? {
            running.answer_from(running.id.version);
        }
        Ok(())
    }

    async fn left(&self) {
        let rebuilding = self.rebuilding().take();
        if let Some(tasks) = rebuilding {
            tasks.stop().await;
        }
    }

    fn poke(&self) -> Arc<Notify> {
        Arc::clone(&self.parts.poke)
    }
}
