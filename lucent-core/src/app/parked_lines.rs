//! Takes parked events of a projection up again, or gives them up.
//!
//! Invariant: the events of a line are applied in the order of the log, from the first one on, and
//! leave the line in the commit that writes what they made.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};

use crate::{
    app::{projection_handle::ProjectionControlError, running::RunningProjection},
    event::RecordedEvent,
    position::Position,
    projection::{ProjectionError, shortened},
    store::{
        CommitError, DocumentChange, DocumentKey, EventFilter, EventStore, LogRead, PageLimit,
        Parked, ParkedChange, ParkedEvent, ParkedKey, ParkedKeys, ProjectionCommit, StoreError,
    },
};

/// What came of retrying parked events.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Retried {
    /// How many events were taken out of their lines because they succeeded.
    pub applied: u64,
    /// What failed again; later events of these lines still wait.
    pub failures: Vec<ProjectionError>,
}

/// The parked events of one projection.
pub(crate) struct ParkedLines {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) running: Arc<RunningProjection>,
}

/// What a turn at a line has changed, and whether it is the last one.
struct Turn {
    changes: Vec<DocumentChange>,
    /// What the store applies by itself.
    events: Vec<RecordedEvent>,
    parked: Vec<ParkedChange>,
    applied: u64,
    failure: Option<ProjectionError>,
    last: bool,
}

impl Turn {
    /// One that has changed nothing yet.
    const fn last() -> Self {
        Self {
            changes: Vec::new(),
            events: Vec::new(),
            parked: Vec::new(),
            applied: 0,
            failure: None,
            last: true,
        }
    }
}

/// What is stored at the beginning of a turn.
struct Standing {
    checkpoint: Position,
    parked: Parked,
}

impl ParkedLines {
    /// Applies the events of every line.
    pub(crate) async fn retry_all(&self) -> Result<Retried, ProjectionControlError> {
        let mut retried = Retried::default();
        let mut lines = self.read().await?.lines;
        // Documents may wait for streams.
        lines.reverse();
        for line in lines {
            self.retry_line(&line.first.key, &mut retried).await?;
        }
        self.tell();
        Ok(retried)
    }

    /// Applies the events of a line, and of those that waited for it.
    pub(crate) async fn retry(&self, key: &ParkedKey) -> Result<Retried, ProjectionControlError> {
        if !self.read().await?.lines.iter().any(|line| line.first.key == *key) {
            return Err(self.not_parked(key));
        }
        let mut retried = Retried::default();
        self.retry_line(key, &mut retried).await?;
        if matches!(key, ParkedKey::Stream(_)) {
            let waiting = self.read().await?.lines.into_iter();
            for line in waiting.filter(|line| line.first.reason.is_none()) {
                self.retry_line(&line.first.key, &mut retried).await?;
            }
        }
        self.tell();
        Ok(retried)
    }

    /// Gives up the first event of a line, and retries what is behind it.
    pub(crate) async fn drop_first(
        &self,
        key: &ParkedKey,
    ) -> Result<(ParkedEvent, Retried), ProjectionControlError> {
        let dropped = self.take_out_first(key).await?;
        tracing::warn!(projection = %self.running.id, %key, position = dropped.position.get(), "a parked event was dropped");
        let retried = match self.retry(key).await {
            Err(ProjectionControlError::NotParked { .. }) => Retried::default(),
            retried => retried?,
        };
        self.tell();
        Ok((dropped, retried))
    }

    async fn take_out_first(&self, key: &ParkedKey) -> Result<ParkedEvent, ProjectionControlError> {
        for _ in 0..RACES {
            let _turn = self.running.turn.lock().await;
            let standing = self.standing().await?;
            let line = standing.parked.lines.iter().find(|line| line.first.key == *key);
            let first = line.map(|line| line.first.clone()).ok_or_else(|| self.not_parked(key))?;
            if first.reason.is_none() {
                let (key, behind) = (key.clone(), ParkedKey::Stream(first.stream));
                return Err(ProjectionControlError::Waiting { key, behind });
            }
            let release = ParkedChange::Release { key: key.clone(), position: first.position };
            match self.commit(&standing, Turn { parked: vec![release], ..Turn::last() }).await {
                Ok(()) => return Ok(first),
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Err(self.contended())
    }

    async fn retry_line(
        &self,
        key: &ParkedKey,
        retried: &mut Retried,
    ) -> Result<(), ProjectionControlError> {
        let mut races = 0;
        // What the store could not apply is known only once it has tried.
        let mut refused = None;
        while races < RACES {
            let _turn = self.running.turn.lock().await;
            let standing = self.standing().await?;
            let line = self.running.store.parked_events(&self.running.id, key, BATCH).await?;
            let turn = match key {
                ParkedKey::Document(document) => {
                    self.document_turn(document, line, &standing, refused.as_ref()).await
                }
                ParkedKey::Stream(_) => self.stream_turn(line, &standing).await,
            };
            let Some(turn) = turn? else {
                return Ok(());
            };
            let Turn { applied, last, .. } = turn;
            let failure = turn.failure.clone();
            match self.commit(&standing, turn).await {
                Ok(()) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    races += 1;
                    if let CommitError::Projection(error) = error {
                        refused = Some(error);
                    }
                    continue;
                }
            }
            retried.applied += applied;
            retried.failures.extend(failure);
            if last {
                return Ok(());
            }
        }
        Err(self.contended())
    }

    /// Applies the first events of a document's line; `None` if there is nothing to do.
    async fn document_turn(
        &self,
        document: &DocumentKey,
        line: Vec<ParkedEvent>,
        standing: &Standing,
        refused: Option<&ProjectionError>,
    ) -> Result<Option<Turn>, StoreError> {
        if let (Some(error), Some(first)) = (refused, line.first())
            && error.position == first.position
        {
            let parked = ParkedEvent { reason: Some(shortened(&error.reason)), ..first.clone() };
            let parked = vec![ParkedChange::Park(parked)];
            return Ok(Some(Turn { parked, failure: Some(error.clone()), ..Turn::last() }));
        }
        // Who comes after an event of its stream that nobody could read waits for that.
        let unread = ParkedKeys::from(&standing.parked);
        let behind = |event: &&ParkedEvent| {
            let first = unread.first(&ParkedKey::Stream(event.stream.clone()));
            first.is_some_and(|first| first < event.position)
        };
        let stop = refused.map_or(Position::MAX, |error| error.position);
        let free: Vec<_> =
            line.iter().take_while(|event| !behind(event) && event.position < stop).collect();
        if free.is_empty() {
            return Ok(None);
        }
        let events = self.find(&free).await?;
        let plan = self.running.projection.plan(&events, &ParkedKeys::all_but(document.clone()));
        let documents = self.running.store.documents(&self.running.id, plan.keys()).await?;
        let step = plan.apply(documents);
        let key = ParkedKey::Document(document.clone());
        let failed = step.parked.into_iter().find(|parked| {
            let concerns = parked.key == key || matches!(parked.key, ParkedKey::Stream(_));
            concerns && parked.reason.is_some()
        });
        let until = failed.as_ref().map_or(Position::MAX, |failed| failed.position);
        let applied = free.iter().take_while(|event| event.position < until);
        let mut parked: Vec<_> = applied
            .map(|event| ParkedChange::Release { key: key.clone(), position: event.position })
            .collect();
        let applied = parked.len() as u64;
        let failure = failed.as_ref().and_then(|failed| failed.to_error(&self.running.id));
        let last = failed.is_some() || (refused.is_none() && free.len() < BATCH);
        parked.extend(failed.map(|failed| ParkedChange::Park(ParkedEvent { key, ..failed })));
        Ok(Some(Turn {
            changes: step.changes,
            events: step.events,
            parked,
            applied,
            failure,
            last,
        }))
    }

    /// Reads the first event of a stream's line again, and applies it to its documents, or puts it
    /// into their lines; `None` if there is nothing to do.
    async fn stream_turn(
        &self,
        line: Vec<ParkedEvent>,
        standing: &Standing,
    ) -> Result<Option<Turn>, StoreError> {
        let Some(first) = line.first() else {
            return Ok(None);
        };
        let events = self.find(&[first]).await?;
        let mut earlier = ParkedKeys::none();
        for (key, position) in ParkedKeys::from(&standing.parked).iter() {
            if matches!(key, ParkedKey::Document(_)) && position < first.position {
                earlier.hold(key.clone(), position);
            }
        }
        let plan = self.running.projection.plan(&events, &earlier);
        let documents = self.running.store.documents(&self.running.id, plan.keys()).await?;
        let step = plan.apply(documents);
        let failure = step.first_failure().and_then(|failed| failed.to_error(&self.running.id));
        let applied = u64::from(step.parked.is_empty());
        let still_unread = step.parked.iter().any(|parked| parked.key == first.key);
        let mut parked: Vec<_> = step.parked.into_iter().map(ParkedChange::Park).collect();
        if !still_unread {
            let (key, position) = (first.key.clone(), first.position);
            parked.push(ParkedChange::Release { key, position });
        }
        Ok(Some(Turn {
            changes: step.changes,
            parked,
            applied,
            failure,
            last: still_unread,
            ..Turn::last()
        }))
    }

    /// The events that are parked.
    async fn find(&self, parked: &[&ParkedEvent]) -> Result<Vec<RecordedEvent>, StoreError> {
        let reads = parked.iter().map(|parked| event_at(&*self.events, parked.position));
        futures::stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        let checkpoint = self.running.store.checkpoint(&self.running.id).await?;
        Ok(Standing { checkpoint, parked: self.read().await? })
    }

    pub(crate) async fn read(&self) -> Result<Parked, StoreError> {
        let parked = self.running.store.parked(&self.running.id).await?;
        self.running.publish_parked(ParkedKeys::from(&parked));
        Ok(parked)
    }

    /// Writes what a turn has made.
    async fn commit(&self, standing: &Standing, turn: Turn) -> Result<(), CommitError> {
        let Standing { checkpoint, .. } = *standing;
        let commit = ProjectionCommit {
            changes: turn.changes,
            events: turn.events,
            parked: turn.parked,
            revision: standing.parked.revision,
            ..ProjectionCommit::new(self.running.id.clone(), checkpoint, checkpoint)
        };
        self.running.store.commit_projection(commit).await?;
        self.read().await?;
        Ok(())
    }

    /// Has the worker look at what is stored now.
    fn tell(&self) {
        self.running.changed.notify_one();
    }

    fn not_parked(&self, key: &ParkedKey) -> ProjectionControlError {
        let projection = self.running.id.clone();
        ProjectionControlError::NotParked { projection, key: key.clone() }
    }

    fn contended(&self) -> ProjectionControlError {
        ProjectionControlError::Contended { projection: self.running.id.clone() }
    }
}

/// The event at this position.
pub(crate) async fn event_at(
    events: &dyn EventStore,
    position: Position,
) -> Result<RecordedEvent, StoreError> {
    let before = Position::new(position.get().saturating_sub(1));
    let read = LogRead::after(EventFilter::all(), before).limit(PageLimit::events(1));
    let found = events.read_log(read).await?.events.pop();
    found.filter(|event| event.position == position).ok_or_else(|| StoreError::Damaged {
        location: format!("position {position}"),
        reason: "an event is parked that is not in the log".to_owned(),
    })
}

/// How many events are applied in one commit.
const BATCH: usize = 256;

/// How many of them are read at once.
const READS_AT_ONCE: usize = 8;

/// How many lost races are too many.
const RACES: usize = 100;
