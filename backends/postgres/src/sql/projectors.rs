//! The projectors that a store was given, and the connections on which they work.
//!
//! Invariant: a connection comes back only after its transaction has ended; one whose step was
//! dropped in the middle is closed, which undoes what it has sent.

use std::{
    slice,
    sync::{Arc, Mutex, PoisonError},
};

use lucent_core::{
    ProjectionError, RecordedEvent, StoreProjection,
    store::{CommitError, Fence, ProjectionCommit, ProjectionId, Replacement, StoreError},
};

use crate::{
    connect::{Server, Session},
    fault::Fault,
    schema::Schema,
    sql::{AnyProjector, Applied, ENTER, Names, Place, apply},
    writer::{replace, take_step},
};

/// The projectors of a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projectors(Vec<Arc<Own>>);

/// A projector, and its connections.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) projector: Arc<dyn AnyProjector>,
    idle: Mutex<Vec<Arc<Session>>>,
}

type Outcome = Result<Result<(), CommitError>, Fault>;

impl Projectors {
    pub(crate) fn add(&mut self, projector: Arc<dyn AnyProjector>) {
        self.0.push(Arc::new(Own { projector, idle: Mutex::default() }));
    }

    /// What an application has to run.
    pub(crate) fn projections(&self) -> Vec<StoreProjection> {
        self.0.iter().map(|own| own.projector.projection()).collect()
    }

    /// The projector of a projection, be it of its version, of another one, or of a rebuild.
    pub(crate) fn find(&self, id: &ProjectionId) -> Option<&Arc<Own>> {
        let name = id.rebuilds().unwrap_or(&id.name);
        self.0.iter().find(|own| own.projector.name() == name)
    }

    /// Checks that the schemas' names are good ones.
    pub(crate) fn check(&self, ledger: &Schema) -> Result<(), StoreError> {
        for own in &self.0 {
            let (name, version) = (own.projector.name(), own.projector.version());
            Schema::new(&format!("{}_{name}_v{version}_new", ledger.name()))?;
        }
        Ok(())
    }

    /// Makes the tables of versions that have none yet.
    pub(crate) async fn make_tables(
        &self,
        session: &Session,
        server: &Server,
    ) -> Result<(), Fault> {
        for own in &self.0 {
            let projector = &*own.projector;
            let id = ProjectionId::new(projector.name(), projector.version());
            session.client().batch_execute("BEGIN").await?;
            let made = async {
                let place = Place::find(session, server, projector, Names::Stay).await?;
                place.ensure(projector, &id).await
            };
            let made = made.await;
            let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
            session.client().batch_execute(end).await?;
            made?;
        }
        Ok(())
    }
}

impl Own {
    /// Takes a step: checkpoint, parked events and what the projector makes of the events.
    pub(crate) async fn take_step(&self, server: &Server, commit: &ProjectionCommit) -> Outcome {
        let session = self.begin(server).await?;
        let outcome = self.step(&session, server, commit).await;
        self.end(session, outcome).await
    }

    async fn step(
        &self,
        session: &Arc<Session>,
        server: &Server,
        commit: &ProjectionCommit,
    ) -> Outcome {
        let (projector, id) = (&*self.projector, &commit.projection);
        let names = if commit.activate { Names::Change } else { Names::Stay };
        let mut place = Place::find(session, server, projector, names).await?;
        if commit.from.get() == 0 {
            place.ensure(projector, id).await?;
        }
        if let Err(error) = take_step(session, commit).await? {
            return Ok(Err(error));
        }
        if commit.activate {
            place.activate(id).await?;
        }
        if commit.events.is_empty() {
            return Ok(Ok(()));
        }
        session.query(ENTER, &[&place.path(id)?]).await?;
        Ok(match apply(projector, session, &commit.events).await? {
            Applied::All => Ok(()),
            Applied::Failed(number, reason) => {
                Err(CommitError::Projection(failure(id, &commit.events[number], reason)))
            }
        })
    }

    /// Puts a rebuild into the place of what it has rebuilt.
    pub(crate) async fn replace(
        &self,
        server: &Server,
        replacement: &Replacement,
        fence: Option<&Fence>,
    ) -> Outcome {
        let session = self.begin(server).await?;
        let outcome = async {
            let names = Place::find(&session, server, &*self.projector, Names::Change).await?;
            if let Err(error) = replace(&session, slice::from_ref(replacement), fence).await? {
                return Ok(Err(error));
            }
            names.replace(&replacement.built, &replacement.place).await.map(Ok)
        };
        let outcome = outcome.await;
        self.end(session, outcome).await
    }

    /// Removes a version: its tables, its checkpoint and what it has parked.
    pub(crate) async fn remove(&self, server: &Server, id: &ProjectionId) -> Result<(), Fault> {
        let session = self.begin(server).await?;
        let outcome = async {
            let names = Place::find(&session, server, &*self.projector, Names::Change).await?;
            names.remove(id).await?;
            session.query_at_length(DROP, &[&&*id.name, &i64::from(id.version)]).await?;
            Ok(Ok(()))
        };
        let outcome = outcome.await;
        self.end(session, outcome).await.map(drop)
    }

    async fn begin(&self, server: &Server) -> Result<Arc<Session>, Fault> {
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|session| !session.is_closed());
            idle.pop()
        };
        let session = match idle {
            Some(session) => session,
            None => Arc::new(server.connect().await?),
        };
        session.execute("BEGIN ISOLATION LEVEL READ COMMITTED", &[]).await?;
        Ok(session)
    }

    async fn end(&self, session: Arc<Session>, outcome: Outcome) -> Outcome {
        match &outcome {
            Ok(Ok(())) => session.execute("COMMIT", &[]).await?,
            Err(fault) if fault.lost_connection() => return outcome,
            _ => session.execute("ROLLBACK", &[]).await?,
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        outcome
    }
}

/// An event that a projector could not apply.
pub(crate) fn failure(id: &ProjectionId, event: &RecordedEvent, reason: String) -> ProjectionError {
    ProjectionError {
        projection: id.clone(),
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.to_string(),
        reason,
    }
}

const DROP: &str = "SELECT {schema}.drop_projection($1, $2)";
