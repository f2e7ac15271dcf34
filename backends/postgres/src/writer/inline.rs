//! Inline projections: read models that change in the append's transaction.
//!
//! Invariant: an append that commits leaves each of its inline projections at the head of the log,
//! and one whose projection fails leaves nothing. The ledger's lock is held meanwhile.

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use lucent_core::{
    Position, Projection, ProjectionError, ProjectionPlan, RecordedEvent,
    store::{DocumentChange, DocumentKey, EventFilter, LogRead, ParkedKeys, ProjectionId},
};

use crate::{
    connect::{Server, Session},
    fault::Fault,
    reader::{documents, read_log},
    row::{Json, from_sql, to_sql},
    sql::{Applied, ENTER, LEAVE, Names, Own, Place, apply, failure},
};

/// The inline projections of a batch, at work.
pub(crate) struct Inline<'a> {
    session: &'a Arc<Session>,
    models: Vec<Model>,
    /// A projection that could not be brought to the head: no event can be appended then.
    failed: Option<ProjectionError>,
}

struct Model {
    projection: Arc<dyn Projection>,
    id: ProjectionId,
    filter: EventFilter,
    row: i32,
    documents: HashMap<DocumentKey, Option<Bytes>>,
    changed: HashSet<DocumentKey>,
    /// The projector and the search path of a model that the user's SQL writes.
    own: Option<(Arc<Own>, String)>,
}

impl<'a> Inline<'a> {
    /// Locks the checkpoints, and brings projections that are behind to the head of the log.
    pub(crate) async fn start(
        session: &'a Arc<Session>,
        server: &Server,
        projections: &[Arc<dyn Projection>],
        head: u64,
    ) -> Result<Self, Fault> {
        let mut inline = Self { session, models: Vec::new(), failed: None };
        for projection in projections {
            let id = projection.id();
            let (name, version) = (&*id.name, i64::from(id.version));
            session.execute(ENSURE, &[&name, &version]).await?;
            let own = match server.projectors.find(&id) {
                None => None,
                Some(own) => {
                    let place = Place::find(session, server, &*own.projector, Names::Stay).await?;
                    Some((Arc::clone(own), place.path(&id)?))
                }
            };
            let row = session.query_one(CLAIM, &[&name, &version]).await?;
            let mut model = Model {
                projection: Arc::clone(projection),
                filter: projection.filter(),
                id,
                row: row.try_get(0)?,
                documents: HashMap::new(),
                changed: HashSet::new(),
                own,
            };
            let mut checkpoint = Position::new(from_sql(row.try_get(1)?));
            while checkpoint < Position::new(head) {
                let read = LogRead::after(model.filter.clone(), checkpoint);
                let page = read_log(session, &read).await?;
                checkpoint = page.through;
                if let Err(error) = model.take(session, &page.events).await? {
                    inline.failed = Some(error);
                    return Ok(inline);
                }
                if page.end {
                    break;
                }
                model.write(session).await?;
            }
            inline.models.push(model);
        }
        Ok(inline)
    }

    /// Loads the documents that these events are likely to need, all at once.
    pub(crate) async fn prefetch(&mut self, events: &[RecordedEvent]) -> Result<(), Fault> {
        for model in &mut self.models {
            if let Ok(Some(plan)) = model.plan(events) {
                model.load(self.session, plan.keys()).await?;
            }
        }
        Ok(())
    }

    /// Runs the projections over the events of an append that is about to win.
    pub(crate) async fn take(
        &mut self,
        events: &[RecordedEvent],
    ) -> Result<Result<(), ProjectionError>, Fault> {
        if events.is_empty() {
            return Ok(Ok(()));
        }
        if let Some(error) = &self.failed {
            return Ok(Err(error.clone()));
        }
        let mut steps = Vec::with_capacity(self.models.len());
        for model in &mut self.models {
            match model.step(self.session, events).await? {
                Ok(changes) => steps.push(changes),
                Err(error) => return Ok(Err(error)),
            }
        }
        // What is written at once comes last, and is undone if one of them fails.
        if self.models.iter().any(|model| model.own.is_some()) {
            self.session.execute(SAVEPOINT, &[]).await?;
            for model in &self.models {
                if let Err(error) = model.apply(self.session, events).await? {
                    self.session.execute(UNDO, &[]).await?;
                    return Ok(Err(error));
                }
            }
            self.session.execute(RELEASE, &[]).await?;
        }
        for (model, changes) in self.models.iter_mut().zip(steps) {
            model.stage(changes);
        }
        Ok(Ok(()))
    }

    /// Writes the changed documents and the checkpoints.
    pub(crate) async fn finish(&mut self, head: u64) -> Result<(), Fault> {
        for model in &mut self.models {
            model.write(self.session).await?;
            self.session.execute(MOVE, &[&model.row, &to_sql(head)]).await?;
        }
        Ok(())
    }
}

impl Model {
    /// Brings it to a later position, of the log as it stands.
    async fn take(
        &mut self,
        session: &Arc<Session>,
        events: &[RecordedEvent],
    ) -> Result<Result<(), ProjectionError>, Fault> {
        if self.own.is_some() {
            session.execute(SAVEPOINT, &[]).await?;
            let applied = self.apply(session, events).await?;
            session.execute(if applied.is_ok() { RELEASE } else { UNDO }, &[]).await?;
            return Ok(applied);
        }
        let step = self.step(session, events).await?;
        Ok(step.map(|changes| self.stage(changes)))
    }

    /// Has the user's SQL applied, if the model has some. After an error the savepoint is to be gone
    /// back to, which takes the session's settings back as well.
    async fn apply(
        &self,
        session: &Arc<Session>,
        events: &[RecordedEvent],
    ) -> Result<Result<(), ProjectionError>, Fault> {
        let Some((own, path)) = &self.own else { return Ok(Ok(())) };
        let seen = self.seen(events);
        if seen.is_empty() {
            return Ok(Ok(()));
        }
        session.query(ENTER, &[path]).await?;
        if let Applied::Failed(number, reason) = apply(&*own.projector, session, &seen).await? {
            return Ok(Err(failure(&self.id, &seen[number], reason)));
        }
        session.query(LEAVE, &[]).await?;
        Ok(Ok(()))
    }

    /// The events that concern it.
    fn seen(&self, events: &[RecordedEvent]) -> Vec<RecordedEvent> {
        events.iter().filter(|event| self.filter.matches(event)).cloned().collect()
    }

    async fn step(
        &mut self,
        session: &Session,
        events: &[RecordedEvent],
    ) -> Result<Result<Vec<DocumentChange>, ProjectionError>, Fault> {
        let plan = match self.plan(events) {
            Ok(Some(plan)) => plan,
            Ok(None) => return Ok(Ok(Vec::new())),
            Err(error) => return Ok(Err(error)),
        };
        self.load(session, plan.keys()).await?;
        let documents =
            plan.keys().iter().map(|key| self.documents.get(key).cloned().flatten()).collect();
        Ok(guarded(&self.id, events, || plan.apply(documents).whole(&self.id)))
    }

    fn plan(
        &self,
        events: &[RecordedEvent],
    ) -> Result<Option<Box<dyn ProjectionPlan>>, ProjectionError> {
        let seen = self.seen(events);
        if seen.is_empty() || self.own.is_some() {
            return Ok(None);
        }
        guarded(&self.id, &seen, || Ok(self.projection.plan(&seen, &ParkedKeys::none()))).map(Some)
    }

    /// Loads the documents that are not known yet.
    async fn load(&mut self, session: &Session, keys: &[DocumentKey]) -> Result<(), Fault> {
        let missing: Vec<DocumentKey> =
            keys.iter().filter(|key| !self.documents.contains_key(key)).cloned().collect();
        let found = documents(session, &self.id, &missing).await?;
        self.documents.extend(missing.into_iter().zip(found));
        Ok(())
    }

    fn stage(&mut self, changes: Vec<DocumentChange>) {
        for change in changes {
            let (key, body) = match change {
                DocumentChange::Put(document) => (document.key, Some(document.body)),
                DocumentChange::Delete(key) => (key, None),
            };
            self.changed.insert(key.clone());
            self.documents.insert(key, body);
        }
    }

    /// Writes what has changed, and forgets it.
    async fn write(&mut self, session: &Session) -> Result<(), Fault> {
        let (mut keys, mut bodies, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        for key in &self.changed {
            match self.documents.get(key).and_then(Option::as_ref) {
                Some(body) => {
                    keys.push(key.as_str());
                    bodies.push(Json(&body[..]));
                }
                None => deleted.push(key.as_str()),
            }
        }
        if !self.changed.is_empty() {
            session.query(WRITE, &[&self.row, &keys, &bodies, &deleted]).await?;
        }
        self.changed.clear();
        self.documents.clear();
        Ok(())
    }
}

/// A projection that panics fails its append, not the writer.
fn guarded<T>(
    projection: &ProjectionId,
    events: &[RecordedEvent],
    work: impl FnOnce() -> Result<T, ProjectionError>,
) -> Result<T, ProjectionError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let at = &events[0];
        Err(ProjectionError {
            projection: projection.clone(),
            position: at.position,
            stream: at.stream.clone(),
            event_type: at.event_type.to_string(),
            reason: "it panicked".to_owned(),
        })
    })
}

const ENSURE: &str = "INSERT INTO {schema}.projections (name, version, checkpoint) \
     VALUES ($1, $2, 0) ON CONFLICT DO NOTHING";

const CLAIM: &str = "SELECT id, checkpoint FROM {schema}.projections \
     WHERE name = $1 AND version = $2 FOR UPDATE";

const SAVEPOINT: &str = "SAVEPOINT before_sql";
const UNDO: &str = "ROLLBACK TO SAVEPOINT before_sql";
const RELEASE: &str = "RELEASE SAVEPOINT before_sql";

const WRITE: &str = "SELECT {schema}.write_documents($1, $2, $3, $4)";

const MOVE: &str =
    "UPDATE {schema}.projections SET checkpoint = greatest(checkpoint, $2) WHERE id = $1";
