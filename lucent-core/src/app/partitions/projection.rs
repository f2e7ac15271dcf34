//! A projection in partitions, as its nodes share it.
//!
//! Invariant: queries are answered from this version once all of its partitions have caught up,
//! whoever works on them, and never after somebody has gone back to an older one.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::{
    app::{
        partitions::{
            divided::Divided,
            part_store::{PartStore, activate_if_complete},
            parts::Parts,
        },
        projection_worker::ProjectionWorker,
        running::RunningProjection,
        task::StopSignal,
    },
    projection::Partition,
    store::{CommitError, EventStore, Fence, StoreError},
};

/// A projection and its partitions.
pub(crate) struct DividedProjection {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) running: Arc<RunningProjection>,
    pub(crate) parts: Arc<Parts>,
}

#[async_trait]
impl Divided for DividedProjection {
    fn name(&self) -> String {
        format!("projection/{}/{}", self.running.id.name, self.running.id.version)
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
        // Who rolled back wants the older version, until the next start.
        if running.is_active() || running.rolled_back_to().is_some() {
            return Ok(());
        }
        if activate_if_complete(&*running.store, &running.id, self.count()).await? {
            running.answer_from(running.id.version);
        }
        Ok(())
    }
}
