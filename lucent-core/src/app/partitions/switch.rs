//! Puts what was built as a whole into the places of a projection and of its partitions.
//!
//! Invariant: no partition moves while the last events are taken, so none goes back; who does not
//! hold the lease of the rebuild replaces nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::{join_all, try_join_all};

use crate::{
    app::{
        partitions::{
            node::{partition_lease, switch},
            part_store::part_of,
            projection::lease_name,
            rebuild::forced,
        },
        rebuild::is_noted,
    },
    position::Position,
    projection::Partition,
    store::{
        CommitError, Fence, LeaseOutcome, LeaseStore, ParkedChange, ParkedEvent, ParkedKey,
        ProjectionCommit, ProjectionId, ReadModelStore, Replacement, StoreError,
    },
};

/// The way of a rebuild into the place of a projection in partitions.
pub(crate) struct Switch {
    leases: Arc<dyn LeaseStore>,
    store: Arc<dyn ReadModelStore>,
    place: ProjectionId,
    count: u32,
    /// The lease of the rebuild.
    fence: Fence,
    duration: Duration,
    holder: String,
    held: Mutex<Vec<Fence>>,
}

impl Switch {
    pub(super) fn new(
        leases: Arc<dyn LeaseStore>,
        store: Arc<dyn ReadModelStore>,
        place: (ProjectionId, u32),
        fence: Fence,
        duration: Duration,
    ) -> Self {
        let ((place, count), holder) = (place, switch());
        Self { leases, store, place, count, fence, duration, holder, held: Mutex::default() }
    }

    /// Has every partition stand still, whoever works on it: steps that are under way are taken, and
    /// later ones are refused.
    pub(crate) async fn hold(&self) -> Result<(), StoreError> {
        let name = lease_name(&self.place);
        let seized = (0..self.count).map(|index| {
            let lease = partition_lease(&name, index);
            async move {
                let fence = seize(&*self.leases, &lease, &self.holder, self.duration).await?;
                self.held().push(fence);
                Ok::<_, StoreError>(())
            }
        });
        // None is given up in the middle, for then it would be held by nobody who knows.
        join_all(seized).await.into_iter().collect()
    }

    /// Lets the nodes work on the partitions again.
    pub(crate) async fn let_go(&self) {
        let held = std::mem::take(&mut *self.held());
        let released = join_all(held.iter().map(|fence| self.leases.release_lease(fence)));
        // A store that does not answer cannot hold up the end: what is held is over by then.
        match tokio::time::timeout(self.duration, released).await {
            Ok(outcomes) if outcomes.iter().all(Result::is_ok) => {}
            _ => tracing::debug!(projection = %self.place, "leases were left to expire"),
        }
    }

    /// Puts what was built into its places, all at once.
    pub(crate) async fn replace(&self, built: &ProjectionId) -> Result<(), CommitError> {
        let mut replacements = self.divide(built).await?;
        replacements.push(Replacement { built: built.clone(), place: self.place.clone() });
        self.store.replace_projections(&replacements, Some(&self.fence)).await?;
        Ok(self.store.drop_projection(&forced(&self.place)).await?)
    }

    /// Whether the rebuild is to take its place although it has parked events.
    pub(crate) async fn is_forced(&self) -> Result<bool, StoreError> {
        is_noted(&*self.store, &forced(&self.place)).await
    }

    /// How often to look whether it is.
    pub(crate) fn look(&self) -> Duration {
        self.duration / 4
    }

    /// Gives each partition the checkpoint of the whole, and those of its parked events that it would
    /// have parked itself: what is about its documents, and every event that could not be read.
    async fn divide(&self, built: &ProjectionId) -> Result<Vec<Replacement>, CommitError> {
        let to = self.store.checkpoint(built).await?;
        let mut parked = Vec::new();
        for line in self.store.parked(built).await?.lines {
            parked.extend(self.store.parked_events(built, &line.first.key, usize::MAX).await?);
        }
        let parts = (0..self.count).filter_map(|index| Partition::new(index, self.count));
        try_join_all(parts.map(|part| self.make_part(built, part, to, &parked))).await
    }

    async fn make_part(
        &self,
        built: &ProjectionId,
        partition: Partition,
        to: Position,
        parked: &[ParkedEvent],
    ) -> Result<Replacement, CommitError> {
        let (index, store) = (partition.index(), &*self.store);
        let part = part_of(built, index);
        // An attempt that did not come to its end may have left something.
        let left = store.parked(&part).await?;
        let mut changes = Vec::new();
        for line in &left.lines {
            let events = store.parked_events(&part, &line.first.key, usize::MAX).await?;
            changes.extend(
                events.into_iter().map(|event| ParkedChange::Release {
                    key: event.key,
                    position: event.position,
                }),
            );
        }
        let owns = |key: &ParkedKey| match key {
            ParkedKey::Document(key) => partition.owns(key),
            ParkedKey::Stream(_) => true,
        };
        let own = parked.iter().filter(|event| owns(&event.key));
        changes.extend(own.cloned().map(ParkedChange::Park));
        let from = store.checkpoint(&part).await?;
        let step = ProjectionCommit {
            parked: changes,
            revision: left.revision,
            fence: Some(self.fence.clone()),
            ..ProjectionCommit::new(part.clone(), from, to)
        };
        store.commit_projection(step).await?;
        Ok(Replacement { built: part, place: part_of(&self.place, index) })
    }

    /// A panic while the lock is held leaves the list whole.
    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Fence>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a lease, whoever holds it.
pub(super) async fn seize(
    leases: &dyn LeaseStore,
    name: &str,
    holder: &str,
    duration: Duration,
) -> Result<Fence, StoreError> {
    loop {
        match leases.acquire_lease(name, holder, duration).await? {
            LeaseOutcome::Granted(fence) => return Ok(fence),
            LeaseOutcome::Held(held) => leases.release_lease(&held.fence).await?,
        }
    }
}
