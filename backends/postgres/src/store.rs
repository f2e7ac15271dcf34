//! The store's face: the contract's traits over readers, writer and listener.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use lucent_core::{
    CommandId, Position, StoreProjection, StreamId, Version,
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore, Fence,
        LogPage, LogRead, Parked, ParkedEvent, ParkedKey, ProjectionCommit, ProjectionId,
        ReadModelStore, Replacement, Snapshot, SnapshotKey, SnapshotStore, StoreError,
        StoredVersion, StreamPage, StreamRead,
    },
};
use tokio::sync::oneshot;

use crate::{
    PostgresBuilder,
    connect::Server,
    fault::Fault,
    heads::{Heads, Listener, closed},
    pooler::refuse_pooler,
    reader::{self, Readers},
    schema::migrate,
    writer::{Answer, EncodedAppend, Request, Writer, command_outcome, replace, take_step},
};

/// Events, snapshots and read models in a PostgreSQL database (version 13 or newer).
///
/// Clones share the connections. Positions are consecutive. Several processes may use one ledger;
/// all of them see one order of events.
///
/// # Lost connections
/// Reads and appends connect again by themselves and fail only when the server is away for longer
/// than the store is patient. An append whose connection is lost during its commit is answered
/// once it is known whether it was written; if that cannot be found out within the
/// [`outcome_timeout`](PostgresBuilder::outcome_timeout), the answer is
/// [`StoreError::OutcomeUnknown`].
///
/// # Overload
/// Appends wait in a queue. If it stays full for longer than the store is patient, the answer is
/// [`StoreError::Busy`].
///
/// ```no_run
/// # async fn open() -> Result<(), lucent_core::store::StoreError> {
/// use lucent_postgres::PostgresStore;
/// let store = PostgresStore::connect("postgres://app:secret@localhost/shop").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    server: Arc<Server>,
    readers: Readers,
    writer: Writer,
    heads: Arc<Heads>,
}

impl PostgresStore {
    /// Connects with the default settings; the tables are made if they are missing.
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Starts with the default settings.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }

    /// Writes what was handed in, and closes the store for all clones; dropping the last clone
    /// does the same without waiting. Cancel safe.
    pub async fn close(&self) {
        self.shared.writer.close().await;
        self.shared.heads.close();
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    /// Checks an append's condition as far as the writer does not remember the log.
    async fn check_condition(&self, append: &mut EncodedAppend) -> Result<(), StoreError> {
        let Some(unchecked) = append.unchecked_before(self.shared.writer.remembers_after()) else {
            return Ok(());
        };
        let readers = &self.shared.readers;
        let checked = readers.run("check the condition of an append", |session| {
            let unchecked = &unchecked;
            async move { reader::first_match(&session, unchecked).await }
        });
        let checked = checked.await?;
        if let Some(condition) = &mut append.condition {
            condition.checked = checked;
        }
        Ok(())
    }
}

/// Connects and starts the tasks of a store.
pub(crate) async fn open(server: Arc<Server>) -> Result<PostgresStore, StoreError> {
    let opened = async {
        let session = server.connect().await?;
        let listener = Listener::connect(&server).await;
        if let Ok(listener) = &listener {
            refuse_pooler(&session, &listener.session, &server).await?;
        }
        migrate(&session, &server).await?;
        server.projectors.make_tables(&session, &server).await?;
        let head = reader::read_head(&session).await?;
        // Without one, it is tried again.
        Ok((session, head, listener.ok()))
    };
    let (session, head, listener) =
        opened.await.map_err(|fault: Fault| fault.into_store("connect", &server.location))?;
    let heads = Arc::new(Heads::new(head));
    tokio::spawn(Arc::clone(&heads).watch(Arc::clone(&server), listener));
    let writer = Writer::start(Arc::clone(&server), Arc::clone(&heads));
    let readers = Readers::new(Arc::clone(&server), session);
    Ok(PostgresStore { shared: Arc::new(Shared { server, readers, writer, heads }) })
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.heads.close();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("at", &self.shared.server.location)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let limit = self.shared.server.options.max_payload;
        let mut append = EncodedAppend::new(append, limit)?;
        loop {
            self.check_condition(&mut append).await?;
            let (answer, outcome) = oneshot::channel();
            self.shared.writer.send(Request { append, answer }).await?;
            match outcome.await {
                Ok(Answer::Done(outcome)) => return outcome,
                Ok(Answer::CheckAgain(again)) => {
                    append = EncodedAppend { check_again: true, ..*again }
                }
                Err(_) => return Err(closed().into()),
            }
        }
    }

    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run(
                "look up a command",
                |session| async move { command_outcome(&session, command).await },
            )
            .await
    }

    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError> {
        let read = &read;
        let readers = &self.shared.readers;
        readers
            .run(
                "read a stream",
                |session| async move { reader::read_stream(&session, read).await },
            )
            .await
    }

    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError> {
        let read = &read;
        let readers = &self.shared.readers;
        readers
            .run("read the log", |session| async move { reader::read_log(&session, read).await })
            .await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read a stream's version", |session| async move {
                reader::stream_version(&session, stream).await
            })
            .await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read the log's head", |session| async move { reader::read_head(&session).await })
            .await
    }

    async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        self.shared.heads.wait_past(position).await
    }
}

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run(
                "load a snapshot",
                |session| async move { reader::load_snapshot(&session, key).await },
            )
            .await
    }

    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError> {
        let snapshot = &snapshot;
        let readers = &self.shared.readers;
        readers
            .run("save a snapshot", |session| async move {
                reader::save_snapshot(&session, key, snapshot).await
            })
            .await
    }
}

#[async_trait]
impl ReadModelStore for PostgresStore {
    fn projections(&self) -> Vec<StoreProjection> {
        self.shared.server.projectors.projections()
    }

    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read documents", |session| async move {
                reader::documents(&session, projection, keys).await
            })
            .await
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read documents", |session| async move {
                reader::document_page(&session, projection, after, limit).await
            })
            .await
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read a checkpoint", |session| async move {
                reader::checkpoint(&session, projection).await
            })
            .await
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        let commit = &commit;
        let server = &self.shared.server;
        if let Some(own) = server.projectors.find(&commit.projection) {
            let taken = own.take_step(server, commit).await;
            return taken
                .map_err(|fault| fault.into_store("commit a projection", &server.location))?;
        }
        commit.refuse_events()?;
        let readers = &self.shared.readers;
        readers
            .run_once(
                "commit a projection",
                |session| async move { take_step(&session, commit).await },
            )
            .await?
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read a projection's version", |session| async move {
                reader::active_version(&session, name).await
            })
            .await
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        let server = &self.shared.server;
        if let Some(own) = server.projectors.find(projection) {
            let removed = own.remove(server, projection).await;
            return removed
                .map_err(|fault| fault.into_store("drop a projection", &server.location));
        }
        let readers = &self.shared.readers;
        readers
            .run("drop a projection", |session| async move {
                let version = i64::from(projection.version);
                session.query_at_length(DROP, &[&&*projection.name, &version]).await.map(drop)
            })
            .await
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read parked events", |session| async move {
                reader::parked(&session, projection).await
            })
            .await
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read parked events", |session| async move {
                reader::parked_events(&session, projection, key, limit).await
            })
            .await
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        let readers = &self.shared.readers;
        readers
            .run("read a projection's versions", |session| async move {
                reader::stored_versions(&session, name).await
            })
            .await
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        let server = &self.shared.server;
        // A projector that writes tables of its own has no parts.
        if let [only] = replacements
            && let Some(own) = server.projectors.find(&only.place)
        {
            let replaced = own.replace(server, only, fence).await;
            return replaced
                .map_err(|fault| fault.into_store("replace a projection", &server.location))?;
        }
        let readers = &self.shared.readers;
        readers
            .run_once("replace a projection", |session| async move {
                replace(&session, replacements, fence).await
            })
            .await?
    }
}

const DROP: &str = "SELECT {schema}.drop_projection($1, $2)";
