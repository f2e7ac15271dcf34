//! Builds a read model anew under its own version, beside the one that answers.
//!
//! Invariant: what is built stands under an id of its own, with a checkpoint of its own, until it is
//! put into the place of the old one in one step.

use std::{sync::Arc, time::Duration};

use crate::{
    app::{
        Engine,
        partitions::{Switch, all_parked},
        projection_worker::ProjectionWorker,
        retry::Backoff,
        running::RunningProjection,
        step_error::StepError,
        task::{StopSignal, Tasks},
    },
    position::Position,
    query::StuckCause,
    store::{
        CommitError, EventStore, ParkedKeys, ProjectionCommit, ProjectionId, ReadModelStore,
        Replacement, StoreError,
    },
};

/// Begins a rebuild, or goes on with the one that was begun.
pub(crate) async fn begin(
    engine: &Engine,
    place: &Arc<RunningProjection>,
) -> Result<(), StoreError> {
    note_begun(&*place.store, &place.id).await?;
    spawn(&engine.tasks, &engine.events, place);
    Ok(())
}

/// From now on the store knows that there is a rebuild, so that it is gone on with after a restart.
pub(crate) async fn note_begun(
    store: &dyn ReadModelStore,
    place: &ProjectionId,
) -> Result<(), StoreError> {
    note(store, place.rebuild()).await
}

/// Whether the store knows of a rebuild.
pub(crate) async fn is_begun(
    store: &dyn ReadModelStore,
    place: &ProjectionId,
) -> Result<bool, StoreError> {
    is_noted(store, &place.rebuild()).await
}

/// Has something stored under an id, if there is nothing yet.
pub(crate) async fn note(store: &dyn ReadModelStore, id: ProjectionId) -> Result<(), StoreError> {
    let first = ProjectionCommit::new(id, Position::ZERO, Position::ZERO);
    match store.commit_projection(first).await {
        Err(CommitError::Store(error)) => Err(error),
        // A checkpoint elsewhere is that of somebody who has noted it before.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether something is stored under an id.
pub(crate) async fn is_noted(
    store: &dyn ReadModelStore,
    id: &ProjectionId,
) -> Result<bool, StoreError> {
    let stored = store.stored_versions(&id.name).await?;
    Ok(stored.iter().any(|stored| stored.version == id.version))
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
    let shadow = Arc::new(place.rebuilt_as(place.id.rebuild(), None));
    if place.set_rebuild(Some(Arc::clone(&shadow))) {
        let (events, place) = (Arc::clone(events), Arc::clone(place));
        let rebuild = Rebuild { events, place, shadow, switch: None };
        let stop = tasks.signal();
        tasks.spawn("rebuild".to_owned(), async move {
            rebuild.run(stop).await;
        });
    }
}

/// The building of a read model anew, until it takes its place.
pub(crate) struct Rebuild {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) place: Arc<RunningProjection>,
    pub(crate) shadow: Arc<RunningProjection>,
    /// How it takes the place of something in partitions.
    pub(crate) switch: Option<Switch>,
}

/// Why a rebuild is no longer worked on here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// It has taken its place, or was given up.
    Over,
    /// It is to be worked on elsewhere.
    Elsewhere,
}

impl Rebuild {
    pub(crate) async fn run(self, mut stop: StopSignal) -> Ended {
        let mut backoff = Backoff::new();
        let mut worker = None;
        loop {
            let outcome = stop.or_stop(self.build(&mut worker)).await;
            if let Some(switch) = &self.switch {
                switch.let_go().await;
            }
            let error = match outcome {
                None => return Ended::Elsewhere,
                Some(Err(error)) if error.is_lost_lease() => return Ended::Elsewhere,
                Some(Ok(()) | Err(StepError::Cancelled)) => return Ended::Over,
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
                return Ended::Elsewhere;
            }
        }
    }

    /// Builds to the end of the log, and takes the place.
    async fn build(&self, worker: &mut Option<ProjectionWorker>) -> Result<(), StepError> {
        let worker = match worker {
            Some(worker) => {
                if !is_begun(&*self.place.store, &self.place.id).await? {
                    // Another process has ended it.
                    self.end();
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
        while let Some(keys) = self.newly_parked().await? {
            if self.is_forced().await? {
                break;
            }
            self.shadow.stuck(StuckCause::Held { keys });
            self.told().await?;
            worker.restart().await?;
            worker.catch_up().await?;
        }
        // The one in the place stands still for the last events.
        let _turn = self.place.turn.lock().await;
        if let Some(switch) = &self.switch {
            switch.hold().await?;
        }
        worker.catch_up().await?;
        worker.settle().await?;
        // Another process may run one of the two as well, and be faster.
        match &self.switch {
            Some(switch) => switch.replace(&self.shadow.id).await?,
            None => {
                let (built, place) = (self.shadow.id.clone(), self.place.id.clone());
                let only = Replacement { built, place };
                self.place.store.replace_projections(&[only], None).await?;
            }
        }
        tracing::info!(projection = %self.place.id, "it was rebuilt");
        self.end();
        Ok(())
    }

    /// Nobody builds it any more.
    fn end(&self) {
        self.place.changed.notify_one();
        self.place.end_rebuild(&self.shadow);
    }

    /// Waits until somebody has a word for a rebuild that is held.
    async fn told(&self) -> Result<(), StoreError> {
        let Some(switch) = &self.switch else {
            self.shadow.changed.notified().await;
            return Ok(());
        };
        while tokio::time::timeout(switch.look(), self.shadow.changed.notified()).await.is_err() {
            if switch.is_forced().await? {
                break;
            }
        }
        Ok(())
    }

    /// Whether it is to take its place although it has parked events.
    async fn is_forced(&self) -> Result<bool, StoreError> {
        match &self.switch {
            Some(switch) => switch.is_forced().await,
            None => Ok(self.shadow.is_forced()),
        }
    }

    /// How many keys the rebuild has parked that the one in the place has not.
    async fn newly_parked(&self) -> Result<Option<usize>, StoreError> {
        newly_parked(&*self.place.store, &self.place.id).await
    }
}

/// How many keys the rebuild of a projection has parked that the one in the place has not.
pub(crate) async fn newly_parked(
    store: &dyn ReadModelStore,
    place: &ProjectionId,
) -> Result<Option<usize>, StoreError> {
    let new = ParkedKeys::from(&store.parked(&place.rebuild()).await?);
    let known = ParkedKeys::from(&all_parked(store, place).await?);
    let count = new.iter().filter(|(key, _)| known.first(key).is_none()).count();
    Ok((count > 0).then_some(count))
}
