//! The projections of an application, by name.
//!
//! Invariant: who waits for a position is told as soon as it is reached, or as soon as it is known
//! that it will not be reached without help.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::{
    app::{
        progress::{Progress, ProjectionStatus},
        running::RunningProjection,
    },
    position::Position,
    projection::Consistency,
    query::{ReadError, StuckCause},
    resource::{ReadModel, ReadModels},
};

/// Every projection of an application, by name.
#[derive(Default)]
pub(crate) struct Projections(pub(crate) BTreeMap<&'static str, Arc<RunningProjection>>);

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
        wait(running, wanted, patience).await
    }
}

/// Waits until a projection has seen a position.
pub(crate) async fn wait(
    running: &RunningProjection,
    wanted: Position,
    patience: Duration,
) -> Result<(), ReadError> {
    if let Some(parts) = &running.parts {
        let seen = parts.seen(running, wanted);
        return match tokio::time::timeout(patience, seen).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(cause))) => Err(not_seen(running, wanted, patience, Some(cause))),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(not_seen(running, wanted, patience, None)),
        };
    }
    let mut progress = running.progress.subscribe();
    // While a new version is built, queries are answered from the old one, which no longer
    // moves: a position counts as seen once the new one has taken over.
    let reached = |progress: &Progress| progress.position >= wanted && running.is_active();
    if running.projection.consistency() == Consistency::Inline
        && running.store.checkpoint(&running.id).await? >= wanted
    {
        return Ok(());
    }
    let over = |progress: &Progress| {
        reached(progress) || progress.stuck.is_some() || running.rolled_back_to().is_some()
    };
    let waited = tokio::time::timeout(patience, progress.wait_for(over)).await;
    let progress = match waited {
        Ok(Ok(progress)) => progress.clone(),
        Ok(Err(_)) | Err(_) => running.progress.borrow().clone(),
    };
    if reached(&progress) {
        return Ok(());
    }
    let rolled_back = running.rolled_back_to().map(|active| StuckCause::RolledBack { active });
    Err(not_seen(running, wanted, patience, rolled_back.or(progress.stuck)))
}

/// Why somebody who waited for a position did not see it come.
fn not_seen(
    running: &RunningProjection,
    wanted: Position,
    patience: Duration,
    cause: Option<StuckCause>,
) -> ReadError {
    let progress = running.progress();
    let (projection, reached) = (running.id.clone(), progress.position);
    match cause {
        Some(cause) => ReadError::Stuck { projection, wanted, reached, cause },
        None => {
            let failure = progress.failure;
            ReadError::NotYet { projection, wanted, reached, waited: patience, failure }
        }
    }
}

impl ReadModels for Projections {
    fn read_model(&self, name: &'static str) -> Result<ReadModel, ReadError> {
        let running = self.0.get(name).ok_or(ReadError::UnknownProjection { name })?;
        let projection = running.active_id();
        let (parked, lines) = match &running.parts {
            None => (running.parked(), [projection.clone()].into()),
            Some(parts) => (Arc::new(parts.parked()), parts.ids(&projection)),
        };
        Ok(ReadModel {
            store: Arc::clone(&running.store),
            projection,
            current: running.id.version,
            parked,
            lines,
        })
    }
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|running| &running.id)).finish()
    }
}
