//! What an operator can do to a projection while it runs.
//!
//! Invariant: nothing here changes the log, and nothing moves a checkpoint.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    app::{
        Engine,
        parked_lines::Retried,
        partitions::{
            AllLines, Parts, begin_rebuild, cancel_rebuild, drop_version, force_rebuild,
            least_checkpoint,
        },
        progress::ProjectionStatus,
        projections::wait,
        rebuild::{self, is_begun},
        running::RunningProjection,
    },
    position::Position,
    projection::Consistency,
    query::ReadError,
    store::{
        CommitError, ParkedEvent, ParkedKey, ParkedLine, ProjectionCommit, ProjectionId,
        StoreError, StoredVersion,
    },
};

/// A projection of a running application: its parked events, its versions, its rebuilding.
///
/// [`App::projection`](crate::App::projection) gives it. Dropping a future of its methods leaves the
/// steps that were committed; calling the method again goes on from there.
///
/// ```
/// use lucent_core::{App, ProjectionControlError, registry::Registry};
///
/// /// Applies what is parked, and says what fails again.
/// async fn repair<R: Registry>(app: &App<R>) -> Result<(), ProjectionControlError> {
///     let accounts = app.projection("accounts")?;
///     for failure in accounts.retry_all().await?.failures {
///         println!("still: {failure}");
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ProjectionHandle {
    engine: Arc<Engine>,
    running: Arc<RunningProjection>,
}

/// Why a projection cannot do what was asked of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionControlError {
    /// No projection of that name runs in this application.
    #[error("this application runs no projection `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// No event of that key is parked.
    #[error("projection {projection} has parked no event of the {key}")]
    NotParked {
        /// Which projection.
        projection: ProjectionId,
        /// The key.
        key: ParkedKey,
    },
    /// The events of that key wait for an earlier event that could not be read.
    #[error("no event of the {key} has failed, they wait for the {behind}: retry or drop that")]
    Waiting {
        /// The key.
        key: ParkedKey,
        /// What they wait for.
        behind: ParkedKey,
    },
    /// Other processes were faster each time.
    #[error("other processes move projection {projection} all the time: try again later")]
    Contended {
        /// Which projection.
        projection: ProjectionId,
    },
    /// An inline projection is rebuilt by raising its version only.
    #[error("projection {projection} is inline: raise its version to have it built anew")]
    Inline {
        /// Which projection.
        projection: ProjectionId,
    },
    /// The building of a new version of a projection in partitions is not given up.
    #[error(
        "projection {projection} is in partitions: let it be built, and activate the older version"
    )]
    Partitioned {
        /// Which projection.
        projection: ProjectionId,
    },
    /// That version is not stored.
    #[error("version {version} of projection `{name}` is not stored")]
    NoSuchVersion {
        /// The projection.
        name: String,
        /// The version.
        version: u32,
    },
    /// That version is in use.
    #[error("{projection} is in use: {reason}")]
    InUse {
        /// Which version.
        projection: ProjectionId,
        /// By whom.
        reason: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProjectionHandle {
    pub(crate) fn find(engine: &Arc<Engine>, name: &str) -> Result<Self, ProjectionControlError> {
        match engine.projections.0.get(name) {
            Some(running) => Ok(Self { engine: Arc::clone(engine), running: Arc::clone(running) }),
            None => Err(ProjectionControlError::Unknown { name: name.to_owned() }),
        }
    }

    /// How far it has come, with the end of the log as it is now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<ProjectionStatus, ProjectionControlError> {
        self.running.saw_head(self.engine.events.head().await?);
        Ok(self.running.status())
    }

    /// Waits until the projection has seen a position, as a query `after` it does: for readers that
    /// come to the read model without a query, such as by SQL. Cancel safe.
    ///
    /// # Errors
    /// [`ReadError::NotYet`] after this time, [`ReadError::Stuck`] as soon as it is known that it will
    /// not move on without help, or when the store fails.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> Result<(), ReadError> {
        wait(&self.running, position, patience).await
    }

    /// The lines of parked events, each with the event that failed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parked(&self) -> Result<Vec<ParkedLine>, ProjectionControlError> {
        Ok(self.lines().await?.parked().await?)
    }

    /// The first `limit` events of a line, in the order of the log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parked_events(
        &self,
        key: impl Into<ParkedKey>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, ProjectionControlError> {
        Ok(self.lines().await?.events(&key.into(), limit).await?)
    }

    /// Applies the parked events of a key, in the order of the log, until one fails. If it is a
    /// stream, the events that waited for it are applied too.
    ///
    /// # Errors
    /// [`ProjectionControlError::NotParked`], `Contended`, or when the store fails. That an event
    /// fails again is no error of this method; see [`Retried::failures`].
    pub async fn retry(
        &self,
        key: impl Into<ParkedKey>,
    ) -> Result<Retried, ProjectionControlError> {
        self.lines().await?.retry(&key.into()).await
    }

    /// Applies the parked events of every key, as [`Self::retry`] does.
    ///
    /// # Errors
    /// [`ProjectionControlError::Contended`], or when the store fails.
    pub async fn retry_all(&self) -> Result<Retried, ProjectionControlError> {
        self.lines().await?.retry_all().await
    }

    /// Gives up the event of a key that failed: it is never applied to that document. Then what
    /// waited behind it is retried.
    ///
    /// # Errors
    /// [`ProjectionControlError::NotParked`], `Waiting`, `Contended`, or when the store fails.
    pub async fn drop_parked(
        &self,
        key: impl Into<ParkedKey>,
    ) -> Result<(ParkedEvent, Retried), ProjectionControlError> {
        self.lines().await?.drop_first(&key.into()).await
    }

    /// Builds the read model anew from the first event, beside the one that queries are answered
    /// from, and puts it into its place when it has seen the whole log. A rebuild that was begun is
    /// gone on with, also after a restart.
    ///
    /// It takes the place only if it has parked no key that the old one has not. If the projection has
    /// partitions, one of the processes that share it builds; the others hear of it when they look
    /// after their leases next.
    ///
    /// # Errors
    /// [`ProjectionControlError::Inline`], or when the store fails.
    pub async fn rebuild(&self) -> Result<(), ProjectionControlError> {
        if self.running.projection.consistency() == Consistency::Inline {
            return Err(ProjectionControlError::Inline { projection: self.running.id.clone() });
        }
        if let Some(parts) = &self.running.parts {
            begin_rebuild(&self.running).await?;
            parts.poke.notify_one();
            return Ok(());
        }
        if self.running.resume() {
            return Ok(());
        }
        Ok(rebuild::begin(&self.engine, &self.running).await?)
    }

    /// How far a rebuild has come, if there is one.
    #[must_use]
    pub fn rebuilding(&self) -> Option<ProjectionStatus> {
        self.running.rebuild().map(|rebuild| rebuild.status())
    }

    /// Gives up a rebuild, or else the building of a new version, and removes what was built. Queries
    /// go on being answered from what they are answered from. A version that was given up is begun
    /// again by [`Self::rebuild`], and by the next start of the application.
    ///
    /// # Errors
    /// [`ProjectionControlError::InUse`] if there is nothing to give up, since queries are answered
    /// from it; `Partitioned` if it has partitions and is a new version; or when the store fails.
    pub async fn cancel(&self) -> Result<(), ProjectionControlError> {
        if let Some(parts) = &self.running.parts {
            return self.cancel_divided(parts).await;
        }
        if self.running.rebuild().is_some() {
            return Ok(rebuild::cancel(&self.running).await?);
        }
        if self.running.is_active() {
            return Err(self.in_use());
        }
        self.running.cancel();
        let _turn = self.running.turn.lock().await;
        Ok(self.running.store.drop_projection(&self.running.id).await?)
    }

    /// The versions that are stored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn versions(&self) -> Result<Vec<StoredVersion>, ProjectionControlError> {
        let store = &*self.running.store;
        let mut versions = store.stored_versions(&self.running.id.name).await?;
        for stored in &mut versions {
            let id = ProjectionId::new(Arc::clone(&self.running.id.name), stored.version);
            stored.checkpoint = least_checkpoint(store, &id).await?.unwrap_or(stored.checkpoint);
        }
        Ok(versions)
    }

    /// Has queries answered from a stored version from now on: from an older one, to roll back, or
    /// from a new one, or a rebuild, although it has parked events.
    ///
    /// An older version does not move while this program runs, and what it holds must decode as
    /// today's type. The next start of this program lets its own version take over again; to roll
    /// back for good, run the older program, which goes on with its version where that stands.
    ///
    /// # Errors
    /// [`ProjectionControlError::NoSuchVersion`], `Contended`, or when the store fails.
    pub async fn activate(&self, version: u32) -> Result<(), ProjectionControlError> {
        let name = Arc::clone(&self.running.id.name);
        let store = &self.running.store;
        let id = ProjectionId::new(Arc::clone(&name), version);
        if id == self.running.id && self.force_rebuild().await? {
            return Ok(());
        }
        let _turn = self.running.turn.lock().await;
        for _ in 0..RACES {
            let stored = store.stored_versions(&name).await?;
            let Some(found) = stored.into_iter().find(|stored| stored.version == version) else {
                let name = name.to_string();
                return Err(ProjectionControlError::NoSuchVersion { name, version });
            };
            let commit = ProjectionCommit {
                activate: true,
                revision: store.parked(&id).await?.revision,
                ..ProjectionCommit::new(id.clone(), found.checkpoint, found.checkpoint)
            };
            match store.commit_projection(commit).await {
                Ok(()) => {
                    self.running.answer_from(version);
                    return Ok(());
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Err(ProjectionControlError::Contended { projection: id })
    }

    /// Removes a version that is no longer needed.
    ///
    /// # Errors
    /// [`ProjectionControlError::InUse`] if it is the active one or that of this program,
    /// `NoSuchVersion`, or when the store fails.
    pub async fn drop_version(&self, version: u32) -> Result<(), ProjectionControlError> {
        let id = ProjectionId::new(Arc::clone(&self.running.id.name), version);
        let stored = self.versions().await?;
        let Some(found) = stored.into_iter().find(|stored| stored.version == version) else {
            return Err(ProjectionControlError::NoSuchVersion {
                name: id.name.to_string(),
                version,
            });
        };
        let own = version == self.running.id.version;
        if found.active || own || version == self.running.active.load(Ordering::Acquire) {
            let reason = match own {
                true => "it is the version of this program",
                false => "queries are answered from it",
            };
            return Err(ProjectionControlError::InUse { projection: id, reason });
        }
        Ok(drop_version(&*self.running.store, &id).await?)
    }

    async fn lines(&self) -> Result<AllLines<'_>, StoreError> {
        AllLines::of(&self.engine.events, &self.running).await
    }

    /// Has a rebuild take its place although it has parked events, if there is one.
    async fn force_rebuild(&self) -> Result<bool, StoreError> {
        if self.running.parts.is_some() {
            // It may be one that this node has not heard of yet.
            let begun = is_begun(&*self.running.store, &self.running.id).await?;
            if begun {
                force_rebuild(&self.running).await?;
            }
            return Ok(begun);
        }
        let rebuild = self.running.rebuild();
        if let Some(rebuild) = &rebuild {
            rebuild.force();
        }
        Ok(rebuild.is_some())
    }

    /// Gives up a rebuild, wherever it is worked on.
    async fn cancel_divided(&self, parts: &Parts) -> Result<(), ProjectionControlError> {
        let (store, id) = (&*self.running.store, &self.running.id);
        if !is_begun(store, id).await? {
            return match self.running.is_active() {
                true => Err(self.in_use()),
                false => Err(ProjectionControlError::Partitioned { projection: id.clone() }),
            };
        }
        let known = self.running.rebuild();
        cancel_rebuild(store, &*self.engine.leases, id, self.engine.lease_duration).await?;
        if let Some(known) = known {
            self.running.end_rebuild(&known);
        }
        parts.poke.notify_one();
        Ok(())
    }

    fn in_use(&self) -> ProjectionControlError {
        let reason = "queries are answered from it";
        ProjectionControlError::InUse { projection: self.running.id.clone(), reason }
    }
}

impl fmt::Debug for ProjectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProjectionHandle").field(&self.running.id).finish()
    }
}

/// How many lost races are too many.
const RACES: usize = 100;
