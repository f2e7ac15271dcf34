//! A projection of this application, and how far it has come.
//!
//! Invariant: a progress that is published was reached; it never runs ahead of the read model.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    app::{
        ParkingPolicy,
        partitions::Parts,
        progress::{Progress, ProjectionStatus},
    },
    position::Position,
    projection::Projection,
    query::StuckCause,
    store::{Fence, ParkedKeys, ProjectionId, ReadModelStore, StoreError},
};

/// A projection and its progress.
pub(crate) struct RunningProjection {
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) store: Arc<dyn ReadModelStore>,
    pub(crate) id: ProjectionId,
    pub(crate) policy: ParkingPolicy,
    /// The version that queries are answered from.
    pub(crate) active: AtomicU32,
    /// Whether the store knew at the start that this version is the active one.
    pub(crate) settled: bool,
    pub(crate) progress: watch::Sender<Progress>,
    /// Steps and repairs of one process take turns, so that neither starves.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Tells the worker that somebody else changed what is stored.
    pub(crate) changed: Notify,
    parked: Mutex<Arc<ParkedKeys>>,
    /// What is built anew under another id, to take this one's place.
    rebuild: Mutex<Option<Arc<Self>>>,
    cancelled: AtomicBool,
    /// Whether it is to take over although it has parked events.
    forced: AtomicBool,
    /// Whether queries were told to be answered from an older version.
    rolled_back: AtomicBool,
    /// The partitions, if it is divided: then others have the progress.
    pub(crate) parts: Option<Arc<Parts>>,
    /// Whether it is a partition, whose checkpoint tells other nodes how far it has come.
    pub(crate) is_part: bool,
    /// The lease without which no step of it is taken; that of a partition is known to its store.
    pub(crate) fence: Option<Fence>,
}

impl RunningProjection {
    /// `active` is the version that the store answers queries from, if it answers any yet.
    pub(crate) fn new(
        projection: Arc<dyn Projection>,
        store: Arc<dyn ReadModelStore>,
        active: Option<u32>,
        policy: ParkingPolicy,
    ) -> Self {
        let id = projection.id();
        let settled = active == Some(id.version);
        // Without an older version there is nothing else to answer from.
        let active = active.unwrap_or(id.version);
        Self::under(id, projection, store, (active, settled), policy)
    }

    /// The same projection, built anew under another id as a whole.
    pub(crate) fn rebuilt_as(&self, id: ProjectionId, fence: Option<Fence>) -> Self {
        let (projection, store) = (Arc::clone(&self.projection), Arc::clone(&self.store));
        let version = id.version;
        // Each partition may park as much as the policy says.
        let parts = self.parts.as_ref().map_or(1, |parts| parts.count() as usize);
        let policy = ParkingPolicy { keys: self.policy.keys.saturating_mul(parts), ..self.policy };
        Self { fence, ..Self::under(id, projection, store, (version, true), policy) }
    }

    /// A partition; `store` knows which one.
    pub(crate) async fn part(
        projection: Arc<dyn Projection>,
        store: Arc<dyn ReadModelStore>,
        policy: ParkingPolicy,
    ) -> Result<Self, StoreError> {
        let active = store.active_version(&projection.id().name).await?;
        let whole = Self::new(projection, store, active, policy);
        Ok(Self { parts: None, is_part: true, ..whole })
    }

    fn under(
        id: ProjectionId,
        projection: Arc<dyn Projection>,
        store: Arc<dyn ReadModelStore>,
        (active, settled): (u32, bool),
        policy: ParkingPolicy,
    ) -> Self {
        // A rebuild has an id of its own, and is never divided.
        let parts = match projection.partitions() {
            count if count > 1 && id == projection.id() => Some(Arc::new(Parts::new(count))),
            _ => None,
        };
        Self {
            projection,
            store,
            id,
            policy,
            active: AtomicU32::new(active),
            settled,
            progress: watch::Sender::new(Progress::new()),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            parked: Mutex::default(),
            rebuild: Mutex::default(),
            cancelled: AtomicBool::new(false),
            forced: AtomicBool::new(false),
            rolled_back: AtomicBool::new(false),
            parts,
            is_part: false,
            fence: None,
        }
    }

    /// Publishes where the worker starts.
    pub(crate) fn begins_at(&self, position: Position) {
        self.progress.send_modify(|progress| {
            let now = Instant::now();
            progress.position = position;
            progress.head = progress.head.max(position);
            progress.moved = now;
            progress.began = (position, now);
            progress.caught_up = false;
            progress.stuck = None;
        });
    }

    /// Publishes how far the worker has come.
    pub(crate) fn reached(&self, position: Position, caught_up: bool) {
        self.progress.send_modify(|progress| {
            if position > progress.position {
                progress.position = position;
                progress.moved = Instant::now();
            }
            progress.head = progress.head.max(position);
            progress.caught_up |= caught_up;
            progress.failure = None;
            progress.stuck = None;
        });
    }

    /// Tells those who read traces how far it has come.
    pub(crate) fn trace_progress(&self) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let ProjectionStatus { position, head, lag, parked_keys, .. } = self.status();
            let (position, head) = (position.get(), head.get());
            tracing::debug!(projection = %self.id, position, head, lag, parked_keys, "a page was taken");
        }
    }

    /// Publishes how long the log is.
    pub(crate) fn saw_head(&self, head: Position) {
        self.progress.send_modify(|progress| progress.head = progress.head.max(head));
    }

    /// Publishes why the worker does not move on, and whether it needs help.
    pub(crate) fn failing(&self, reason: String, stuck: Option<StuckCause>) {
        self.progress.send_modify(|progress| {
            progress.failure = Some(reason);
            progress.stuck = stuck;
        });
    }

    /// Publishes that the worker will not move on without help.
    pub(crate) fn stuck(&self, cause: StuckCause) {
        self.progress.send_modify(|progress| progress.stuck = Some(cause));
    }

    /// Publishes which keys have parked events.
    pub(crate) fn publish_parked(&self, keys: ParkedKeys) {
        *self.parked.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Which keys have parked events, as this process knows it.
    pub(crate) fn parked(&self) -> Arc<ParkedKeys> {
        Arc::clone(&self.parked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has queries answered from this version, and tells those who wait.
    pub(crate) fn answer_from(&self, version: u32) {
        self.active.store(version, Ordering::Release);
        self.rolled_back.store(version < self.id.version, Ordering::Release);
        self.progress.send_modify(|progress| {
            if matches!(progress.stuck, Some(StuckCause::Held { .. })) {
                progress.stuck = None;
            }
        });
        self.changed.notify_one();
    }

    /// The older version from which queries were told to be answered.
    pub(crate) fn rolled_back_to(&self) -> Option<u32> {
        let rolled_back = self.rolled_back.load(Ordering::Acquire);
        rolled_back.then(|| self.active.load(Ordering::Acquire))
    }

    /// Has it take over although it has parked events.
    pub(crate) fn force(&self) {
        self.forced.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced.load(Ordering::Acquire)
    }

    /// Has the worker give up.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Has the worker begin again; whether it had given up.
    pub(crate) fn resume(&self) -> bool {
        let resumed = self.cancelled.swap(false, Ordering::AcqRel);
        self.changed.notify_one();
        resumed
    }

    /// What is built anew to take this one's place.
    pub(crate) fn rebuild(&self) -> Option<Arc<Self>> {
        self.rebuild.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets or ends the rebuild; not if another one is under way.
    pub(crate) fn set_rebuild(&self, rebuild: Option<Arc<Self>>) -> bool {
        let mut current = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner);
        let free = current.is_none() || rebuild.is_none();
        if free {
            *current = rebuild;
        }
        free
    }

    /// Sets the rebuild, whoever was known to build before.
    pub(crate) fn take_up_rebuild(&self, rebuild: Arc<Self>) {
        *self.rebuild.lock().unwrap_or_else(PoisonError::into_inner) = Some(rebuild);
    }

    /// Ends a rebuild, unless there is another one by now.
    pub(crate) fn end_rebuild(&self, ended: &Arc<Self>) {
        let mut current = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, ended)) {
            *current = None;
        }
    }

    /// The version that queries are answered from.
    pub(crate) fn active_id(&self) -> ProjectionId {
        ProjectionId::new(Arc::clone(&self.id.name), self.active.load(Ordering::Acquire))
    }

    /// Whether queries are answered from the version of this program.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire) == self.id.version
    }

    /// How far it has come, as far as this process knows.
    pub(crate) fn progress(&self) -> Progress {
        let progress = self.progress.borrow().clone();
        match &self.parts {
            None => progress,
            Some(parts) => parts.progress(&progress),
        }
    }

    pub(crate) fn status(&self) -> ProjectionStatus {
        let progress = self.progress();
        ProjectionStatus {
            projection: self.id.clone(),
            consistency: self.projection.consistency(),
            state: progress.state(),
            position: progress.position,
            head: progress.head,
            lag: progress.head.get().saturating_sub(progress.position.get()),
            idle: progress.moved.elapsed(),
            caught_up: progress.caught_up,
            pace: (!progress.caught_up).then(|| progress.pace()),
            active_version: self.active.load(Ordering::Acquire),
            parked_keys: self
                .parts
                .as_ref()
                .map_or_else(|| self.parked().len(), |parts| parts.parked().len()),
            failure: progress.failure,
            partitions: self.parts.as_ref().map_or_else(Vec::new, |parts| parts.statuses()),
        }
    }
}
