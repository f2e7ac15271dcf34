//! An event handler of this application, and how far it has come.
//!
//! Invariant: a position that is published was handled, parked, or passed because nothing concerned
//! the handler.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    app::ParkingPolicy,
    event_handler::SharedEventHandler,
    position::Position,
    store::{
        CommitError, Parked, ParkedChange, ParkedKeys, ProjectionCommit, ProjectionId,
        ReadModelStore, StoreError,
    },
};

/// Where an event handler begins that has never run on this store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StartFrom {
    /// At the first event of the log.
    #[default]
    Beginning,
    /// At the first event after the start of the application.
    Now,
    /// At the first event after this position.
    After(Position),
}

/// How far an event handler has come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventHandlerStatus {
    /// Its durable name.
    pub name: &'static str,
    /// The last position that it has dealt with.
    pub position: Position,
    /// The end of the log, as the handler knows it.
    pub head: Position,
    /// How many positions it is behind the end of the log.
    pub lag: u64,
    /// How long ago it moved last.
    pub idle: Duration,
    /// How many streams have parked events.
    pub parked_streams: usize,
    /// Why it does not move on, if it keeps failing. It is tried again.
    pub failure: Option<String>,
    /// Whether its worker was stopped.
    pub stopped: bool,
}

/// An event handler and its progress.
pub(crate) struct RunningHandler {
    pub(crate) handler: SharedEventHandler,
    pub(crate) checkpoints: Arc<dyn ReadModelStore>,
    pub(crate) id: ProjectionId,
    pub(crate) policy: ParkingPolicy,
    /// One repair at a time, so that no event is handled by two at once.
    pub(crate) repairing: tokio::sync::Mutex<()>,
    /// Tells the worker that somebody else changed what is stored.
    pub(crate) changed: Notify,
    progress: Mutex<Progress>,
}

struct Progress {
    position: Position,
    head: Position,
    moved: Instant,
    parked: usize,
    failure: Option<String>,
    stopped: bool,
}

/// What is stored of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) checkpoint: Position,
    pub(crate) revision: u64,
    pub(crate) parked: ParkedKeys,
}

impl RunningHandler {
    pub(crate) fn new(
        handler: SharedEventHandler,
        checkpoints: Arc<dyn ReadModelStore>,
        policy: ParkingPolicy,
    ) -> Self {
        let id = ProjectionId::new(format!("handler:{}", handler.name()), 1);
        let progress = Progress {
            position: Position::ZERO,
            head: Position::ZERO,
            moved: Instant::now(),
            parked: 0,
            failure: None,
            stopped: false,
        };
        Self {
            handler,
            checkpoints,
            id,
            policy,
            repairing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            progress: Mutex::new(progress),
        }
    }

    /// Has a handler that never ran begin somewhere else than at the first event.
    pub(crate) async fn begin_at(&self, start: Position) -> Result<(), StoreError> {
        if start == Position::ZERO
            || !self.checkpoints.stored_versions(&self.id.name).await?.is_empty()
        {
            return Ok(());
        }
        let commit = ProjectionCommit::new(self.id.clone(), Position::ZERO, start);
        match self.checkpoints.commit_projection(commit).await {
            Err(CommitError::Store(error)) => Err(error),
            // Another process was faster, and began at its own start.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads what is stored.
    pub(crate) async fn standing(&self) -> Result<Standing, StoreError> {
        let checkpoint = self.checkpoints.checkpoint(&self.id).await?;
        let parked = self.parked().await?;
        Ok(Standing { checkpoint, revision: parked.revision, parked: ParkedKeys::from(&parked) })
    }

    /// Reads what is parked.
    pub(crate) async fn parked(&self) -> Result<Parked, StoreError> {
        let parked = self.checkpoints.parked(&self.id).await?;
        self.progress().parked = parked.lines.len();
        Ok(parked)
    }

    /// The same as [`Self::try_commit`], also if somebody else has changed what is parked: that is
    /// read first, for it does not undo what the handler did.
    pub(crate) async fn commit(
        &self,
        standing: &mut Standing,
        to: Position,
        parked: Option<ParkedChange>,
    ) -> Result<(), CommitError> {
        loop {
            match self.try_commit(standing, to, parked.clone()).await {
                Err(CommitError::ParkedMoved { .. }) => *standing = self.standing().await?,
                outcome => return outcome,
            }
        }
    }

    /// Moves the checkpoint from where it stands, and changes what is parked: the one place where
    /// workers of handlers write.
    pub(crate) async fn try_commit(
        &self,
        standing: &mut Standing,
        to: Position,
        parked: Option<ParkedChange>,
    ) -> Result<(), CommitError> {
        self.checkpoints
            .commit_projection(ProjectionCommit {
                parked: parked.iter().cloned().collect(),
                revision: standing.revision,
                ..ProjectionCommit::new(self.id.clone(), standing.checkpoint, to)
            })
            .await?;
        standing.checkpoint = to;
        standing.revision += u64::from(parked.is_some());
        if let Some(ParkedChange::Park(event)) = parked {
            standing.parked.hold(event.key, event.position);
            self.progress().parked = standing.parked.len();
        }
        self.reached(to);
        Ok(())
    }

    /// Publishes how far the handler has come.
    pub(crate) fn reached(&self, position: Position) {
        let mut progress = self.progress();
        if position > progress.position {
            progress.position = position;
            progress.moved = Instant::now();
        }
        progress.head = position.max(progress.head);
        progress.failure = None;
    }

    /// Publishes how long the log is.
    pub(crate) fn saw_head(&self, head: Position) {
        let mut progress = self.progress();
        progress.head = head.max(progress.head);
    }

    /// Publishes why the handler does not move on.
    pub(crate) fn failing(&self, reason: String) {
        self.progress().failure = Some(reason);
    }

    pub(crate) fn stopped(&self) {
        self.progress().stopped = true;
    }

    pub(crate) fn status(&self) -> EventHandlerStatus {
        let progress = self.progress();
        EventHandlerStatus {
            name: self.handler.name(),
            position: progress.position,
            head: progress.head,
            lag: progress.head.get().saturating_sub(progress.position.get()),
            idle: progress.moved.elapsed(),
            parked_streams: progress.parked,
            failure: progress.failure.clone(),
            stopped: progress.stopped,
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
