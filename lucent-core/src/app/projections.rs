//! The projections of an application, and how far each has come.
//!
//! Invariant: a progress that is published was reached; it never runs ahead of the read model.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    app::partitions::{LOOK, Parts},
    position::Position,
    projection::{Consistency, Projection},
    query::ReadError,
    resource::ReadModels,
    store::{ProjectionId, ReadModelStore, StoreError},
};

/// Every projection of an application, by name.
#[derive(Default)]
pub(crate) struct Projections(pub(crate) BTreeMap<&'static str, Arc<RunningProjection>>);

/// A projection and its progress.
pub(crate) struct RunningProjection {
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) store: Arc<dyn ReadModelStore>,
    pub(crate) id: ProjectionId,
    /// The version that queries are answered from.
    pub(crate) active: AtomicU32,
    /// Whether the store knew at the start that this version is the active one.
    pub(crate) settled: bool,
    pub(crate) progress: watch::Sender<Progress>,
    /// The partitions, if it is divided: then others have the progress.
    pub(crate) parts: Option<Arc<Parts>>,
    /// Whether it is a partition, whose checkpoint tells other nodes how far it has come.
    pub(crate) is_part: bool,
}

/// How far a worker has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) position: Position,
    pub(crate) caught_up: bool,
    pub(crate) failure: Option<String>,
}

/// How far a projection has come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Which projection.
    pub projection: ProjectionId,
    /// When it sees events.
    pub consistency: Consistency,
    /// The last position that it has seen.
    pub position: Position,
    /// Whether it had seen the whole log at least once since the start.
    pub caught_up: bool,
    /// The version that queries are answered from.
    pub active_version: u32,
    /// Why it does not move on, if it keeps failing. It is tried again without end.
    pub failure: Option<String>,
}

impl RunningProjection {
    /// `active` is the version that the store answers queries from, if it answers any yet.
    pub(crate) fn new(
        projection: Arc<dyn Projection>,
        store: Arc<dyn ReadModelStore>,
        active: Option<u32>,
    ) -> Self {
        let id = projection.id();
        let settled = active == Some(id.version);
        // Without an older version there is nothing else to answer from.
        let active = AtomicU32::new(active.unwrap_or(id.version));
        let progress = watch::Sender::default();
        let parts = match projection.partitions() {
            0 | 1 => None,
            count => Some(Arc::new(Parts::new(count))),
        };
        Self { projection, store, id, active, settled, progress, parts, is_part: false }
    }

    /// A partition; `store` knows which one.
    pub(crate) async fn part(
        projection: Arc<dyn Projection>,
        store: Arc<dyn ReadModelStore>,
    ) -> Result<Self, StoreError> {
        let active = store.active_version(&projection.id().name).await?;
        Ok(Self { parts: None, is_part: true, ..Self::new(projection, store, active) })
    }

    /// Publishes how far the worker has come.
    pub(crate) fn reached(&self, position: Position, caught_up: bool) {
        self.progress.send_modify(|progress| {
            progress.position = progress.position.max(position);
            progress.caught_up |= caught_up;
            progress.failure = None;
        });
    }

    /// Publishes why the worker does not move on.
    pub(crate) fn failing(&self, reason: String) {
        self.progress.send_modify(|progress| progress.failure = Some(reason));
    }

    fn active_id(&self) -> ProjectionId {
        ProjectionId::new(Arc::clone(&self.id.name), self.active.load(Ordering::Acquire))
    }

    /// Whether queries are answered from the version of this program.
    fn is_current(&self) -> bool {
        self.active.load(Ordering::Acquire) == self.id.version
    }

    /// Waits until it has seen a position and answers queries.
    async fn seen(&self, wanted: Position) -> Result<(), StoreError> {
        // While a new version is built, queries are answered from the old one, which no longer
        // moves: a position counts as seen once the new one has taken over.
        if let Some(parts) = &self.parts {
            parts.reached(&*self.store, &self.id, wanted).await?;
            while !self.is_current() {
                match self.store.active_version(&self.id.name).await? {
                    Some(active) if active == self.id.version => {
                        self.active.store(active, Ordering::Release);
                    }
                    _ => tokio::time::sleep(LOOK).await,
                }
            }
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        let seen = |progress: &Progress| progress.position >= wanted && self.is_current();
        // An error means that the worker is gone: who waits runs out of patience.
        if progress.wait_for(seen).await.is_err() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        let progress = self.progress.borrow().clone();
        match &self.parts {
            None => progress,
            Some(parts) => Progress {
                position: parts.position(),
                caught_up: parts.caught_up(),
                failure: parts.failure(),
            },
        }
    }

    fn status(&self) -> ProjectionStatus {
        let progress = self.progress();
        ProjectionStatus {
            projection: self.id.clone(),
            consistency: self.projection.consistency(),
            position: progress.position,
            caught_up: progress.caught_up,
            active_version: self.active.load(Ordering::Acquire),
            failure: progress.failure,
        }
    }
}

impl Projections {
    /// How far each projection has come, by name.
    pub(crate) fn statuses(&self) -> Vec<ProjectionStatus> {
        self.0.values().map(|running| running.status()).collect()
    }

    /// Waits until a projection has seen a position.
    pub(crate) async fn wait(
        &self,
        name: &'static str,
        wanted: Position,
        patience: Duration,
    ) -> Result<(), ReadError> {
        let running = self.0.get(name).ok_or(ReadError::UnknownProjection { name })?;
        if running.projection.consistency() == Consistency::Inline
            && running.store.checkpoint(&running.id).await? >= wanted
        {
            return Ok(());
        }
        match tokio::time::timeout(patience, running.seen(wanted)).await {
            Ok(seen) => Ok(seen?),
            Err(_) => {
                let progress = running.progress();
                Err(ReadError::NotYet {
                    projection: running.id.clone(),
                    wanted,
                    reached: progress.position,
                    waited: patience,
                    failure: progress.failure,
                })
            }
        }
    }
}

impl ReadModels for Projections {
    fn read_model(
        &self,
        name: &'static str,
    ) -> Result<(Arc<dyn ReadModelStore>, ProjectionId), ReadError> {
        let running = self.0.get(name).ok_or(ReadError::UnknownProjection { name })?;
        Ok((Arc::clone(&running.store), running.active_id()))
    }
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|running| &running.id)).finish()
    }
}
