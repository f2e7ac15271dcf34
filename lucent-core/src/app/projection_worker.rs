//! Runs a projection over the log.
//!
//! Invariants: documents and checkpoint are committed together, from the checkpoint that the step
//! started at; an event that fails is tried again without end and never skipped.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    app::{projections::RunningProjection, retry::Backoff, task::StopSignal},
    event::RecordedEvent,
    position::Position,
    projection::ProjectionError,
    store::{
        CommitError, DocumentChange, EventFilter, EventStore, LogPage, LogRead, PageLimit,
        ProjectionCommit, StoreError,
    },
};

/// How many events are read at once.
const PAGE: usize = 4_000;

/// How far a checkpoint may lag behind while nothing that the projection sees happens.
const IDLE_LAG: u64 = 10_000;

/// How long a partition's checkpoint may lag behind while nothing that it sees happens.
const SETTLE: Duration = Duration::from_millis(100);

/// A projection on its way through the log.
pub(crate) struct ProjectionWorker {
    events: Arc<dyn EventStore>,
    running: Arc<RunningProjection>,
    filter: EventFilter,
    /// The stored checkpoint.
    checkpoint: Position,
    /// How far the log was read; between the two, nothing concerned the projection.
    cursor: Position,
    /// Whether queries are answered from this version.
    active: bool,
    /// Since when the cursor is ahead of the stored checkpoint.
    unsettled: Option<Instant>,
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProjectionWorker {
    /// Starts where the stored checkpoint is.
    pub(crate) async fn open(
        events: Arc<dyn EventStore>,
        running: Arc<RunningProjection>,
    ) -> Result<Self, StoreError> {
        let checkpoint = running.store.checkpoint(&running.id).await?;
        let filter = running.projection.filter();
        let active = running.settled;
        running.reached(checkpoint, false);
        let (cursor, unsettled) = (checkpoint, None);
        Ok(Self { events, running, filter, checkpoint, cursor, active, unsettled })
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        loop {
            match stop.or_stop(self.advance()).await {
                None => break,
                Some(Ok(())) => backoff.reset(),
                // Another process took the same step first: go on from where it is.
                Some(Err(StepError::Commit(CommitError::CheckpointMoved { found, .. }))) => {
                    tracing::debug!(projection = %self.running.id, %found, "another process moved the checkpoint");
                    (self.checkpoint, self.cursor) = (found, found);
                    self.running.reached(found, false);
                }
                // Another node has the partition now.
                Some(Err(StepError::Commit(error @ CommitError::LeaseLost { .. }))) => {
                    tracing::debug!(projection = %self.running.id, %error, "a partition is worked on elsewhere");
                    return;
                }
                Some(Err(error)) => {
                    let wait = backoff.next();
                    tracing::warn!(projection = %self.running.id, %error, ?wait, "a projection failed and will be tried again");
                    self.running.failing(error.to_string());
                    if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                        break;
                    }
                    if let Err(error) = self.restart().await {
                        tracing::warn!(projection = %self.running.id, %error, "its checkpoint could not be read");
                    }
                }
            }
        }
        if let Err(error) = self.commit(self.cursor, Vec::new()).await {
            tracing::debug!(projection = %self.running.id, %error, "the last checkpoint was not kept");
        }
    }

    /// Reads the log to its end, then waits until it is longer.
    async fn advance(&mut self) -> Result<(), StepError> {
        self.catch_up().await?;
        if !self.running.is_part || self.cursor == self.checkpoint {
            self.events.wait_past(self.cursor).await?;
            return Ok(());
        }
        // Other nodes see how far a partition has come by its checkpoint alone.
        let late = *self.unsettled.get_or_insert_with(Instant::now) + SETTLE;
        tokio::select! {
            longer = self.events.wait_past(self.cursor) => drop(longer?),
            () = tokio::time::sleep_until(late) => self.commit(self.cursor, Vec::new()).await?,
        }
        Ok(())
    }

    /// Applies everything up to the end of the log. The next page is read while one is applied.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StepError> {
        let mut page = self.read(self.cursor).await?;
        loop {
            let end = page.end;
            if end {
                self.take(page).await?;
                if !self.active {
                    self.activate().await?;
                }
                self.running.reached(self.cursor, true);
                return Ok(());
            }
            let next = self.read(page.through);
            let (next, taken) = futures::join!(next, self.take(page));
            taken?;
            page = next?;
        }
    }

    fn read(
        &self,
        after: Position,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send + 'static {
        let events = Arc::clone(&self.events);
        let limit = PageLimit { events: PAGE, ..PageLimit::default() };
        let read = LogRead::after(self.filter.clone(), after).limit(limit);
        async move { events.read_log(read).await }
    }

    /// Applies a page. If one of its events fails, those before it are applied first.
    async fn take(&mut self, page: LogPage) -> Result<(), StepError> {
        if page.events.is_empty() {
            self.cursor = page.through;
            if self.cursor.get() - self.checkpoint.get() >= IDLE_LAG {
                self.commit(self.cursor, Vec::new()).await?;
            }
        } else {
            match self.apply(&page.events).await {
                Ok(changes) => self.commit(page.through, changes).await?,
                Err(StepError::Projection(error)) => {
                    let good: Vec<_> = page
                        .events
                        .into_iter()
                        .take_while(|event| event.position < error.position)
                        .collect();
                    if let Some(last) = good.last() {
                        let changes = self.apply(&good).await?;
                        self.commit(last.position, changes).await?;
                        self.running.reached(self.cursor, false);
                    }
                    return Err(error.into());
                }
                Err(error) => return Err(error),
            }
        }
        self.running.reached(self.cursor, false);
        Ok(())
    }

    async fn apply(&self, events: &[RecordedEvent]) -> Result<Vec<DocumentChange>, StepError> {
        let plan = self.running.projection.plan(events)?;
        let documents = match plan.keys() {
            [] => Vec::new(),
            keys => self.running.store.documents(&self.running.id, keys).await?,
        };
        Ok(plan.apply(documents)?)
    }

    async fn commit(
        &mut self,
        to: Position,
        changes: Vec<DocumentChange>,
    ) -> Result<(), StepError> {
        if to > self.checkpoint || !changes.is_empty() {
            self.store_step(to, changes, false).await?;
        }
        self.checkpoint = to;
        self.cursor = to;
        self.unsettled = None;
        Ok(())
    }

    /// Has queries answered from this version from now on.
    async fn activate(&mut self) -> Result<(), StepError> {
        self.store_step(self.cursor, Vec::new(), true).await?;
        self.checkpoint = self.cursor;
        self.active = true;
        self.running.active.store(self.running.id.version, Ordering::Release);
        tracing::info!(projection = %self.running.id, "queries are answered from this version");
        Ok(())
    }

    async fn store_step(
        &self,
        to: Position,
        changes: Vec<DocumentChange>,
        activate: bool,
    ) -> Result<(), CommitError> {
        let commit = ProjectionCommit {
            changes,
            activate,
            ..ProjectionCommit::new(self.running.id.clone(), self.checkpoint, to)
        };
        self.running.store.commit_projection(commit).await
    }

    /// Goes back to the stored checkpoint, which another process may have moved.
    async fn restart(&mut self) -> Result<(), StoreError> {
        self.checkpoint = self.running.store.checkpoint(&self.running.id).await?;
        self.cursor = self.checkpoint;
        Ok(())
    }
}
