//! Builds a read model anew under its own version, beside the one that answers.
//!
//! Invariant: what is built stands under an id of its own, with a checkpoint of its own, until it is
//! put into the place of the old one in one step.

use std::{sync::Arc, time::Duration};

use crate::{
    app::{
        Engine,
        projection_worker::ProjectionWorker,
        retry::Backoff,
        running::RunningProjection,
        step_error::StepError,
        task::{StopSignal, Tasks},
    },
    position::Position,
    query::StuckCause,
    store::{
        CommitError, EventStore, ParkedKeys, ProjectionCommit, ProjectionId, Replacement,
        StoreError,
    },
};

/// Begins a rebuild, or goes on with the one that was begun.
pub(crate) async fn begin(
    engine: &Engine,
    place: &Arc<RunningProjection>,
) -> Result<(), StoreError> {
    let id = place.id.rebuild();
    // From now on the store knows that there is a rebuild, so that a restart goes on with it.
    let first = ProjectionCommit::new(id, Position::ZERO, Position::ZERO);
    // A checkpoint elsewhere is that of a rebuild that was begun before.
    if let Err(CommitError::Store(error)) = place.store.commit_projection(first).await {
        return Err(error);
    }
    spawn(&engine.tasks, &engine.events, place);
    Ok(())
}

/// Goes on with a rebuild that was begun before the application was started.
pub(crate) async fn resume(
    tasks: &Tasks,
    events: &Arc<dyn EventStore>,
    place: &Arc<RunningProjection>,
) -> Result<(), StoreError> {
    let id = place.id.rebuild();
    for stored in place.store.stored_versions(&id.name).await? {
        if stored.version == id.version {
            spawn(tasks, events, place);
        } else {
            // The version that it was to replace is no longer the program's.
            let other = ProjectionId::new(Arc::clone(&id.name), stored.version);
            place.store.drop_projection(&other).await?;
        }
    }
    Ok(())
}

/// Gives up a rebuild and removes what was built.
pub(crate) async fn cancel(place: &RunningProjection) -> Result<(), StoreError> {
    let Some(shadow) = place.rebuild() else { return Ok(()) };
    shadow.cancel();
    let _turn = shadow.turn.lock().await;
    place.set_rebuild(None);
    place.store.drop_projection(&shadow.id).await
}

fn spawn(tasks: &Tasks, events: &Arc<dyn EventStore>, place: &Arc<RunningProjection>) {
    let shadow = Arc::new(place.rebuilt_as(place.id.rebuild()));
    if place.set_rebuild(Some(Arc::clone(&shadow))) {
        let rebuild = Rebuild { events: Arc::clone(events), place: Arc::clone(place), shadow };
        tasks.spawn("rebuild".to_owned(), rebuild.run(tasks.signal()));
    }
}

struct Rebuild {
    events: Arc<dyn EventStore>,
    place: Arc<RunningProjection>,
    shadow: Arc<RunningProjection>,
}

impl Rebuild {
    async fn run(self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        let mut worker = None;
        loop {
            let error = match stop.or_stop(self.build(&mut worker)).await {
                None | Some(Ok(()) | Err(StepError::Cancelled)) => return,
                Some(Err(error)) => error,
            };
            let wait = match &error {
                error if error.is_lost_race() => Duration::ZERO,
                StepError::Projection { failures, .. } => self.shadow.policy.pause_after(*failures),
                _ => backoff.next(),
            };
            if !error.is_lost_race() {
                tracing::warn!(projection = %self.shadow.id, %error, ?wait, "a rebuild failed and will be tried again");
                self.shadow.failing(error.to_string(), None);
            }
            if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Builds to the end of the log, and takes the place.
    async fn build(&self, worker: &mut Option<ProjectionWorker>) -> Result<(), StepError> {
        let worker = match worker {
            Some(worker) => {
                if self.is_over().await? {
                    return Ok(());
                }
                worker.restart().await?;
                worker
            }
            None => {
                let (events, shadow) = (Arc::clone(&self.events), Arc::clone(&self.shadow));
                worker.insert(ProjectionWorker::open(events, shadow).await?)
            }
        };
        worker.catch_up().await?;
        while let Some(keys) = self.newly_parked().await?.filter(|_| !self.shadow.is_forced()) {
            self.shadow.stuck(StuckCause::Held { keys });
            self.shadow.changed.notified().await;
            worker.restart().await?;
            worker.catch_up().await?;
        }
        {
            // The one in the place stands still for the last events.
            let _turn = self.place.turn.lock().await;
            worker.catch_up().await?;
            worker.settle().await?;
            // Another process may run one of the two as well, and be faster.
            let (built, place) = (self.shadow.id.clone(), self.place.id.clone());
            self.place.store.replace_projections(&[Replacement { built, place }], None).await?;
        }
        tracing::info!(projection = %self.place.id, "it was rebuilt");
        self.place.changed.notify_one();
        self.place.set_rebuild(None);
        Ok(())
    }

    /// Whether another process has ended the rebuild: nothing is stored of it any more.
    async fn is_over(&self) -> Result<bool, StoreError> {
        let stored = self.place.store.stored_versions(&self.shadow.id.name).await?;
        let over = !stored.iter().any(|stored| stored.version == self.shadow.id.version);
        if over {
            self.place.changed.notify_one();
            self.place.set_rebuild(None);
        }
        Ok(over)
    }

    /// How many keys the rebuild has parked that the one in the place has not.
    async fn newly_parked(&self) -> Result<Option<usize>, StoreError> {
        let store = &self.place.store;
        let new = ParkedKeys::from(&store.parked(&self.shadow.id).await?);
        let known = ParkedKeys::from(&store.parked(&self.place.id).await?);
        let count = new.iter().filter(|(key, _)| known.first(key).is_none()).count();
        Ok((count > 0).then_some(count))
    }
}
