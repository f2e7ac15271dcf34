//! Runs a projection over the log.
//!
//! Invariants: documents, parked events and checkpoint are committed together, from the checkpoint
//! that the step started at, in one place; an event that fails is tried again and then parked, never
//! skipped; a store that fails is tried again without end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    app::{
        failures::Failures, gathered::Gathered, retry::Backoff, running::RunningProjection,
        step_error::StepError, task::StopSignal,
    },
    event::RecordedEvent,
    position::Position,
    projection::{ProjectionError, ProjectionStep},
    query::StuckCause,
    store::{
        CommitError, DocumentChange, EventStore, LogPage, LogRead, PageLimit, ParkedChange,
        ParkedKeys, ProjectionCommit, StoreError,
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
    /// The stored checkpoint.
    checkpoint: Position,
    /// How far the log was read; between the two, nothing concerned the projection but what is
    /// gathered.
    cursor: Position,
    gathered: Gathered,
    /// What waits, and how often that was changed in the store.
    parked: ParkedKeys,
    revision: u64,
    failures: Failures,
    /// Whether queries are answered from this version.
    active: bool,
    /// Since when the cursor is ahead of the stored checkpoint.
    unsettled: Option<Instant>,
}

impl ProjectionWorker {
    /// Starts where the stored checkpoint is.
    pub(crate) async fn open(
        events: Arc<dyn EventStore>,
        running: Arc<RunningProjection>,
    ) -> Result<Self, StoreError> {
        let active = running.settled;
        let mut worker = Self {
            events,
            running,
            checkpoint: Position::ZERO,
            cursor: Position::ZERO,
            gathered: Gathered::default(),
            parked: ParkedKeys::none(),
            revision: 0,
            failures: Failures::default(),
            active,
            unsettled: None,
        };
        worker.restart().await?;
        worker.running.begins_at(worker.checkpoint);
        Ok(worker)
    }

    /// Follows the log until it is told to stop.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        loop {
            if self.running.is_cancelled() {
                self.running.stuck(StuckCause::Cancelled);
                if stop.or_stop(self.running.changed.notified()).await.is_none() {
                    break;
                }
                self.active = self.running.is_active();
            }
            let wait = match stop.or_stop(self.advance()).await {
                None => break,
                Some(Err(StepError::Cancelled)) => Duration::ZERO,
                Some(Ok(())) => {
                    backoff.reset();
                    continue;
                }
                // Another node has the partition now.
                Some(Err(StepError::Commit(error @ CommitError::LeaseLost { .. }))) => {
                    tracing::debug!(projection = %self.running.id, %error, "a partition is worked on elsewhere");
                    return;
                }
                Some(Err(error)) if error.is_lost_race() => {
                    tracing::debug!(projection = %self.running.id, %error, "lost a race");
                    match self.restart().await {
                        Ok(()) => {
                            self.running.reached(self.cursor, false);
                            continue;
                        }
                        Err(error) => self.report(&error.into(), &mut backoff).await,
                    }
                }
                Some(Err(error)) => self.report(&error, &mut backoff).await,
            };
            if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
            if let Err(error) = self.restart().await {
                tracing::warn!(projection = %self.running.id, %error, "its checkpoint could not be read");
            }
        }
        // What was given up may be gone, and must not come back.
        if !self.running.is_cancelled()
            && let Err(error) = self.settle().await
        {
            tracing::debug!(projection = %self.running.id, %error, "the last checkpoint was not kept");
        }
        self.running.stuck(StuckCause::Stopped);
    }

    /// Publishes a failure, and says how long to wait after it.
    async fn report(&self, error: &StepError, backoff: &mut Backoff) -> Duration {
        let wait = match error {
            StepError::Projection { failures, .. } => self.running.policy.pause_after(*failures),
            _ => backoff.next(),
        };
        tracing::warn!(projection = %self.running.id, position = self.cursor.get(), %error, ?wait, "a projection failed and will be tried again");
        self.running.failing(error.to_string(), error.needs_help());
        if let Ok(head) = self.events.head().await {
            self.running.saw_head(head);
        }
        wait
    }

    /// Reads the log to its end, then waits until it is longer.
    async fn advance(&mut self) -> Result<(), StepError> {
        self.catch_up().await?;
        // Other nodes see how far a partition has come by its checkpoint alone.
        let unsettled = self.running.is_part && self.cursor != self.checkpoint;
        let late = unsettled.then(|| *self.unsettled.get_or_insert_with(Instant::now) + SETTLE);
        let late = async {
            match late {
                Some(late) => tokio::time::sleep_until(late).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            head = self.events.wait_past(self.cursor) => self.running.saw_head(head?),
            () = self.running.changed.notified() => self.restart().await?,
            () = late => self.settle().await?,
        }
        Ok(())
    }

    /// Applies everything up to the end of the log, and stores it. The next page is read while one is
    /// applied.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StepError> {
        let running = Arc::clone(&self.running);
        let mut page = self.read(self.cursor).await?;
        if !page.end {
            self.running.saw_head(self.events.head().await?);
        }
        loop {
            let end = page.end;
            if end {
                self.take(page).await?;
                self.gathered = Gathered::default();
                self.running.reached(self.cursor, true);
                if !self.active {
                    self.take_over().await?;
                }
                return Ok(());
            }
            let next = self.read(page.through);
            let (next, taken) = futures::join!(next, self.take(page));
            taken?;
            if next.is_err() {
                let _turn = running.turn.lock().await;
                self.store_gathered().await?;
            }
            page = next?;
        }
    }

    fn read(
        &self,
        after: Position,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send + 'static {
        let events = Arc::clone(&self.events);
        let limit = PageLimit { events: PAGE, ..PageLimit::default() };
        let read = LogRead::after(self.running.projection.filter(), after).limit(limit);
        async move { events.read_log(read).await }
    }

    /// Applies a page. If one of its events is to be tried again, those before it are applied first.
    async fn take(&mut self, page: LogPage) -> Result<(), StepError> {
        let running = Arc::clone(&self.running);
        let _turn = running.turn.lock().await;
        if running.is_cancelled() {
            return Err(StepError::Cancelled);
        }
        if page.events.is_empty() {
            self.cursor = page.through;
            let due = match self.gathered.began() {
                Some(_) => page.end || self.gathered.is_due(),
                None => self.cursor.get() - self.checkpoint.get() >= IDLE_LAG,
            };
            if due {
                self.settle().await?;
            }
        } else {
            self.take_events(page).await?;
            self.failures.clear();
        }
        self.running.reached(self.shown(), false);
        self.running.trace_progress();
        Ok(())
    }

    /// How far those see who ask the store.
    fn shown(&self) -> Position {
        self.gathered.began().unwrap_or(self.cursor)
    }

    /// Stores what is gathered, in a turn, so that whatever comes next does not hold it up.
    async fn store_gathered(&mut self) -> Result<(), StepError> {
        if self.gathered.began().is_some() && !self.running.is_cancelled() {
            self.settle().await?;
            self.running.reached(self.cursor, false);
        }
        Ok(())
    }

    async fn take_events(&mut self, page: LogPage) -> Result<(), StepError> {
        // What the store could not apply is known only once it has tried.
        let mut refused = Vec::new();
        loop {
            let step = self.apply(&page.events, &refused).await?;
            let is_plain = step.parked.is_empty() && step.events.is_empty();
            if !is_plain {
                self.store_gathered().await?;
            } else if !page.end && self.gathered.wants(page.events.len(), step.changes.len()) {
                self.gathered.add(self.cursor, page.events.len(), step.changes);
                self.cursor = page.through;
                return Ok(());
            }
            if let Some((error, failures)) = self.failures.first_to_retry(&step, &self.running) {
                let before = page.events.iter().filter(|event| event.position < error.position);
                let good: Vec<_> = before.cloned().collect();
                if let Some(last) = good.last() {
                    let step = self.apply(&good, &refused).await?;
                    self.commit(last.position, step).await?;
                    self.running.reached(self.cursor, false);
                }
                return Err(StepError::Projection { error, failures });
            }
            match self.commit(page.through, step).await {
                Err(StepError::Commit(CommitError::Projection(error)))
                    if refused.iter().all(|known| known.position != error.position) =>
                {
                    refused.push(error);
                }
                outcome => return outcome,
            }
        }
    }

    async fn apply(
        &self,
        events: &[RecordedEvent],
        refused: &[ProjectionError],
    ) -> Result<ProjectionStep, StoreError> {
        let plan = self.running.projection.plan(events, &self.parked);
        let (store, id) = (&*self.running.store, &self.running.id);
        let documents = self.gathered.documents(plan.keys(), store, id).await?;
        let mut step = plan.apply(documents);
        if !refused.is_empty() {
            step.set_aside(refused);
        }
        Ok(step)
    }

    /// Moves the checkpoint: the one place where this worker writes.
    async fn commit(&mut self, to: Position, step: ProjectionStep) -> Result<(), StepError> {
        if to == self.checkpoint && step == ProjectionStep::default() {
            return Ok(());
        }
        let mut parked = match step.parked.is_empty() {
            true => ParkedKeys::none(),
            false => self.parked.clone(),
        };
        for event in &step.parked {
            parked.hold(event.key.clone(), event.position);
            tracing::trace!(projection = %self.running.id, key = %event.key, position = event.position.get(), "an event is parked");
        }
        if let Some(error) = self.beyond_the_limit(&step, &parked) {
            return Err(error);
        }
        let failed = step.first_failure().cloned();
        let parks = !step.parked.is_empty();
        self.store_step(ProjectionCommit {
            events: step.events,
            parked: step.parked.into_iter().map(ParkedChange::Park).collect(),
            ..self.step_to(to, step.changes)
        })
        .await?;
        if let Some(failure) = failed {
            tracing::warn!(projection = %self.running.id, key = %failure.key, position = failure.position.get(), reason = failure.reason, parked = parked.len(), "an event is parked; later ones of its key wait behind it");
        }
        if parks {
            self.running.publish_parked(parked.clone());
            self.parked = parked;
        }
        Ok(())
    }

    fn beyond_the_limit(&self, step: &ProjectionStep, parked: &ParkedKeys) -> Option<StepError> {
        let keys = self.parked.len();
        let error = step.parked.iter().find_map(|event| event.to_error(&self.running.id))?;
        let over = parked.len() > self.running.policy.keys && parked.len() > keys;
        over.then_some(StepError::TooManyParked { keys, error })
    }

    /// A step with what is gathered and what one more page has changed.
    fn step_to(&self, to: Position, changes: Vec<DocumentChange>) -> ProjectionCommit {
        ProjectionCommit {
            changes: self.gathered.and(changes),
            revision: self.revision,
            fence: self.running.fence.clone(),
            ..ProjectionCommit::new(self.running.id.clone(), self.checkpoint, to)
        }
    }

    async fn store_step(&mut self, commit: ProjectionCommit) -> Result<(), CommitError> {
        let (to, changes_parked) = (commit.to, !commit.parked.is_empty());
        // Keys and bodies are shared, not copied.
        let changes = commit.changes.clone();
        self.running.store.commit_projection(commit).await?;
        self.checkpoint = to;
        self.cursor = to;
        self.gathered.stored(changes);
        self.unsettled = None;
        self.revision += u64::from(changes_parked);
        Ok(())
    }

    /// Has queries answered from this version from now on, unless it has parked what the one before
    /// it has not.
    async fn take_over(&mut self) -> Result<(), StepError> {
        let before = self.running.active_id();
        if before != self.running.id && !self.parked.is_empty() && !self.running.is_forced() {
            let known = ParkedKeys::from(&self.running.store.parked(&before).await?);
            let new = self.parked.iter().filter(|(key, _)| known.first(key).is_none()).count();
            if new > 0 {
                tracing::warn!(projection = %self.running.id, keys = new, "it does not take over, for it has parked events");
                self.running.stuck(StuckCause::Held { keys: new });
                return Ok(());
            }
        }
        let step = self.step_to(self.cursor, Vec::new());
        self.store_step(ProjectionCommit { activate: true, ..step }).await?;
        self.active = true;
        self.running.active.store(self.running.id.version, Ordering::Release);
        self.running.reached(self.cursor, true);
        tracing::info!(projection = %self.running.id, "queries are answered from this version");
        Ok(())
    }

    /// Commits how far it has come, also if nothing concerned the projection.
    pub(crate) async fn settle(&mut self) -> Result<(), StepError> {
        self.commit(self.cursor, ProjectionStep::default()).await
    }

    /// Goes back to what is stored, which another process may have changed.
    pub(crate) async fn restart(&mut self) -> Result<(), StoreError> {
        let store = &self.running.store;
        self.checkpoint = store.checkpoint(&self.running.id).await?;
        self.cursor = self.checkpoint;
        self.gathered = Gathered::closed();
        self.unsettled = None;
        let parked = store.parked(&self.running.id).await?;
        self.parked = ParkedKeys::from(&parked);
        self.revision = parked.revision;
        self.running.publish_parked(self.parked.clone());
        Ok(())
    }
}
