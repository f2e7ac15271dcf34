//! A part of an event handler, and how far it has come. A handler without partitions is one part.
//!
//! Invariant: a position that is published was handled, parked, or passed because nothing concerned
//! the part.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::Notify, time::Instant};

use crate::{
    app::{ParkingPolicy, partitions::part_of, running_handler::RunningHandler},
    event_handler::SharedEventHandler,
    position::Position,
    projection::Partition,
    store::{
        CommitError, Fence, Parked, ParkedChange, ParkedKeys, ProjectionCommit, ProjectionId,
        ReadModelStore, StoreError,
    },
    stream::StreamId,
};

/// The streams of an event handler that one node works on, and its progress there.
pub(crate) struct HandlerPart {
    pub(crate) handler: SharedEventHandler,
    pub(crate) checkpoints: Arc<dyn ReadModelStore>,
    pub(crate) id: ProjectionId,
    pub(crate) policy: ParkingPolicy,
    /// One repair at a time, so that no event is handled by two at once.
    pub(crate) repairing: tokio::sync::Mutex<()>,
    /// Tells the worker that somebody else changed what is stored.
    pub(crate) changed: Notify,
    partition: Partition,
    progress: Mutex<HandlerProgress>,
}

/// How far a part has come, as this process knows it.
#[derive(Clone)]
pub(crate) struct HandlerProgress {
    pub(crate) position: Position,
    pub(crate) head: Position,
    pub(crate) moved: Instant,
    pub(crate) parked: usize,
    pub(crate) failure: Option<String>,
    is_worked_on: bool,
}

/// What is stored of a part.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) checkpoint: Position,
    pub(crate) revision: u64,
    pub(crate) parked: ParkedKeys,
    /// The lease without which nothing is written; repairs have none, for they move no checkpoint.
    pub(crate) fence: Option<Fence>,
}

impl HandlerPart {
    pub(crate) fn new(
        handler: SharedEventHandler,
        partition: Partition,
        checkpoints: Arc<dyn ReadModelStore>,
        policy: ParkingPolicy,
    ) -> Self {
        let whole = RunningHandler::id_of(&handler);
        let id = match partition {
            Partition::WHOLE => whole,
            _ => part_of(&whole, partition.index()),
        };
        let progress = HandlerProgress {
            position: Position::ZERO,
            head: Position::ZERO,
            moved: Instant::now(),
            parked: 0,
            failure: None,
            is_worked_on: false,
        };
        Self {
            handler,
            checkpoints,
            id,
            policy,
            repairing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            partition,
            progress: Mutex::new(progress),
        }
    }

    /// Whether it handles the events of a stream.
    pub(crate) fn owns(&self, stream: &StreamId) -> bool {
        self.partition.owns_text(stream.as_str())
    }

    /// Has a part that never ran begin somewhere else than at the first event.
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

    /// Reads what is stored, for somebody who has no lease.
    pub(crate) async fn stored(&self) -> Result<Standing, StoreError> {
        let checkpoint = self.checkpoints.checkpoint(&self.id).await?;
        let parked = self.parked().await?;
        let (revision, parked) = (parked.revision, ParkedKeys::from(&parked));
        Ok(Standing { checkpoint, revision, parked, fence: None })
    }

    /// Reads what is parked.
    pub(crate) async fn parked(&self) -> Result<Parked, StoreError> {
        let parked = self.checkpoints.parked(&self.id).await?;
        self.progress().parked = parked.lines.len();
        Ok(parked)
    }

    /// Reads again what is parked.
    pub(crate) async fn refresh(&self, standing: &mut Standing) -> Result<(), StoreError> {
        let fence = standing.fence.take();
        *standing = Standing { fence, ..self.stored().await? };
        Ok(())
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
                Err(CommitError::ParkedMoved { .. }) => self.refresh(standing).await?,
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
                fence: standing.fence.clone(),
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

    /// Publishes how far the part has come.
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

    /// Publishes why the part does not move on.
    pub(crate) fn failing(&self, reason: String) {
        self.progress().failure = Some(reason);
    }

    /// Publishes that this process works on it.
    pub(crate) fn begins(&self) {
        self.progress().is_worked_on = true;
    }

    /// Publishes that this process does not.
    pub(crate) fn ended(&self) {
        let mut progress = self.progress();
        progress.is_worked_on = false;
        progress.failure = None;
    }

    pub(crate) fn is_worked_on(&self) -> bool {
        self.progress().is_worked_on
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, HandlerProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
