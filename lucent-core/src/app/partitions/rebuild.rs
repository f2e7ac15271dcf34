//! The rebuild of a projection in partitions: one node builds the whole under a lease, any other goes
//! on where that node ended, and all of them stop when it is over.
//!
//! Invariant: what was built changes under the lease of the rebuild only, and who ends the rebuild
//! holds that lease, so nobody brings back what is over.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::{
    app::{
        partitions::{
            divided::Divided,
            node::{partition_lease, switch},
            number,
            part_store::part_of,
            projection::lease_name,
            switch::{Switch, seize},
        },
        rebuild::{Ended, Rebuild, is_begun, newly_parked, note, note_begun},
        running::RunningProjection,
        task::StopSignal,
    },
    projection::Partition,
    query::StuckCause,
    store::{
        CommitError, EventStore, Fence, LeaseStore, ParkedKeys, ProjectionId, ReadModelStore,
        StoreError,
    },
};

/// A rebuild, as the nodes share it: as something in one partition.
#[derive(Clone)]
pub(super) struct DividedRebuild {
    pub(super) events: Arc<dyn EventStore>,
    pub(super) leases: Arc<dyn LeaseStore>,
    pub(super) place: Arc<RunningProjection>,
    pub(super) duration: Duration,
}

/// Has every node know of a rebuild, this one at once.
pub(crate) async fn begin(place: &RunningProjection) -> Result<(), StoreError> {
    let store = &*place.store;
    if !is_begun(store, &place.id).await? {
        store.drop_projection(&forced(&place.id)).await?;
    }
    note_begun(store, &place.id).await?;
    observe(place).await
}

/// Gives up the rebuild of a version, whoever builds it, and removes what was built.
pub(crate) async fn cancel(
    store: &dyn ReadModelStore,
    leases: &dyn LeaseStore,
    place: &ProjectionId,
    duration: Duration,
) -> Result<(), StoreError> {
    let built = place.rebuild();
    let lease = partition_lease(&lease_name(&built), 0);
    // From here on, whoever builds it takes no step any more.
    let fence = seize(leases, &lease, &switch(), duration).await?;
    store.drop_projection(&forced(place)).await?;
    store.drop_projection(&built).await?;
    for index in 0..number::read(store, place).await?.unwrap_or(0) {
        store.drop_projection(&part_of(&built, index)).await?;
    }
    leases.release_lease(&fence).await
}

/// Has the rebuild take its place although it has parked events, whoever builds it.
pub(crate) async fn force(place: &RunningProjection) -> Result<(), StoreError> {
    note(&*place.store, forced(&place.id)).await?;
    if let Some(shadow) = place.rebuild() {
        shadow.changed.notify_one();
    }
    Ok(())
}

/// Where it is noted that a rebuild is to take its place although it has parked events.
pub(super) fn forced(place: &ProjectionId) -> ProjectionId {
    ProjectionId::new(format!("{}#forced", place.rebuild().name), place.version)
}

/// Shows how far a rebuild has come that is not worked on here, or not yet.
pub(super) async fn observe(place: &RunningProjection) -> Result<(), StoreError> {
    let id = place.id.rebuild();
    let position = place.store.checkpoint(&id).await?;
    let shadow = Arc::new(place.rebuilt_as(id, None));
    shadow.begins_at(position);
    place.set_rebuild(Some(shadow));
    Ok(())
}

impl DividedRebuild {
    /// Builds as long as this node holds the lease and there is something to build.
    async fn work(self, fence: Fence, mut stop: StopSignal) {
        loop {
            match stop.or_stop(is_begun(&*self.place.store, &self.place.id)).await {
                None => return,
                Some(Ok(true)) => {
                    let rebuild = self.rebuild(&fence);
                    let shadow = Arc::clone(&rebuild.shadow);
                    if rebuild.run(stop.clone()).await == Ended::Elsewhere {
                        self.place.end_rebuild(&shadow);
                        if let Some(Err(error)) = stop.or_stop(self.look_on()).await {
                            tracing::debug!(projection = %self.place.id, %error, "nobody knows how far it is");
                        }
                        return;
                    }
                    self.tell();
                }
                Some(Ok(false)) => {}
                Some(Err(error)) => {
                    tracing::warn!(projection = %self.place.id, %error, "nobody knows whether it is to be rebuilt");
                }
            }
            if stop.or_stop(tokio::time::sleep(self.duration / 4)).await.is_none() {
                return;
            }
        }
    }

    /// From now on, another node builds.
    async fn look_on(&self) -> Result<(), StoreError> {
        match is_begun(&*self.place.store, &self.place.id).await? {
            true => observe(&self.place).await,
            false => Ok(()),
        }
    }

    fn rebuild(&self, fence: &Fence) -> Rebuild {
        let place = Arc::clone(&self.place);
        let shadow = Arc::new(place.rebuilt_as(place.id.rebuild(), Some(fence.clone())));
        place.take_up_rebuild(Arc::clone(&shadow));
        let count = place.parts.as_ref().map_or(1, |parts| parts.count());
        let (leases, store) = (Arc::clone(&self.leases), Arc::clone(&place.store));
        let of = (place.id.clone(), count);
        let switch = Switch::new(leases, store, of, fence.clone(), self.duration);
        Rebuild { events: Arc::clone(&self.events), place, shadow, switch: Some(switch) }
    }

    /// Has this node's partitions look at what is stored now, and take up their leases.
    fn tell(&self) {
        if let Some(parts) = &self.place.parts {
            parts.tell();
            parts.poke.notify_one();
        }
    }
}

#[async_trait]
impl Divided for DividedRebuild {
    fn name(&self) -> String {
        lease_name(&self.place.id.rebuild())
    }

    fn count(&self) -> u32 {
        1
    }

    async fn begin(
        &self,
        _: Partition,
        fence: Fence,
        stop: StopSignal,
    ) -> Result<BoxFuture<'static, ()>, StoreError> {
        Ok(Box::pin(self.clone().work(fence, stop)))
    }

    fn ended(&self, _: u32) {}

    /// Sees how far the node has come that builds.
    async fn look(&self) -> Result<(), CommitError> {
        let (store, id) = (&*self.place.store, self.place.id.rebuild());
        let Some(shadow) = self.place.rebuild().filter(|shadow| shadow.fence.is_none()) else {
            return Ok(());
        };
        let position = store.checkpoint(&id).await?;
        let head = self.events.head().await?;
        shadow.saw_head(head);
        shadow.reached(position, false);
        shadow.publish_parked(ParkedKeys::from(&store.parked(&id).await?));
        if position >= head
            && let Some(keys) = newly_parked(store, &self.place.id).await?
        {
            shadow.stuck(StuckCause::Held { keys });
        }
        Ok(())
    }
}
