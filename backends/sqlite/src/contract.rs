//! The contract of stores, on the writer's queue and the readers' pool.

use async_trait::async_trait;
use bytes::Bytes;
use lucent_core::{
    CommandId, Position, StreamId, Version,
    store::{
        Append, AppendError, Appended, CommitError, Document, DocumentKey, EventStore, Fence,
        LogPage, LogRead, Parked, ParkedEvent, ParkedKey, ProjectionCommit, ProjectionId,
        ReadModelStore, Replacement, Snapshot, SnapshotKey, SnapshotStore, StoreError,
        StoredVersion, StreamFolder, StreamPage, StreamRead,
    },
};

use crate::{
    SqliteStore, heads, reader,
    writer::{EncodedAppend, Request},
};

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let append = Box::new(EncodedAppend::new(append, self.inner.max_payload)?);
        self.ask(|reply| Request::Append(append, reply)).await
    }

    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError> {
        let job = move |conn: &_| reader::command_outcome(conn, command);
        self.inner.pool.read("look up a command", job).await
    }

    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError> {
        let job = move |conn: &_| reader::read_stream(conn, &read);
        self.inner.pool.read("read a stream", job).await
    }

    async fn fold_stream(
        &self,
        stream: &StreamId,
        mut after: Version,
        mut folder: StreamFolder,
    ) -> Result<Version, StoreError> {
        loop {
            let stream = stream.clone();
            let job = move |conn: &_| {
                let turn = reader::fold_turn(conn, &stream, after, &mut folder)?;
                Ok((turn, folder))
            };
            let (turn, rest) = self.inner.pool.read("read a stream", job).await?;
            if turn.end {
                return Ok(turn.version);
            }
            (after, folder) = (turn.last, rest);
        }
    }

    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError> {
        let job =
            move |conn: &_, abandoned: &dyn Fn() -> bool| reader::read_log(conn, &read, abandoned);
        self.inner.pool.run("read the log", job).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError> {
        let stream = stream.clone();
        let job = move |conn: &_| reader::stream_version(conn, &stream);
        self.inner.pool.read("read a stream's version", job).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let job = |conn: &_| heads::read_head(conn).map(Position::new);
        self.inner.pool.read("read the head of the log", job).await
    }

    async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        self.inner.heads.wait_past(position).await
    }
}

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn load_snapshot(&self, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
        let key = key.clone();
        let job = move |conn: &_| reader::load_snapshot(conn, &key);
        self.inner.pool.read("load a snapshot", job).await
    }

    async fn save_snapshot(&self, key: &SnapshotKey, snapshot: Snapshot) -> Result<(), StoreError> {
        let key = key.clone();
        self.ask(|reply| Request::Snapshot(key, snapshot, reply)).await
    }
}

#[async_trait]
impl ReadModelStore for SqliteStore {
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let (projection, keys) = (projection.clone(), keys.to_vec());
        let job = move |conn: &_| reader::documents(conn, &projection, &keys);
        self.inner.pool.read("read documents", job).await
    }

    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let (projection, after) = (projection.clone(), after.cloned());
        let job = move |conn: &_| reader::document_page(conn, &projection, after.as_ref(), limit);
        self.inner.pool.read("read documents", job).await
    }

    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError> {
        let projection = projection.clone();
        let job = move |conn: &_| reader::checkpoint(conn, &projection);
        self.inner.pool.read("read a checkpoint", job).await
    }

    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError> {
        self.ask(|reply| Request::Project(commit, reply)).await
    }

    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError> {
        let name = name.to_owned();
        let job = move |conn: &_| reader::active_version(conn, &name);
        self.inner.pool.read("read a projection's version", job).await
    }

    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError> {
        let projection = projection.clone();
        self.ask(|reply| Request::Drop(projection, reply)).await
    }

    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError> {
        let projection = projection.clone();
        let job = move |conn: &_| reader::parked(conn, &projection);
        self.inner.pool.read("read parked events", job).await
    }

    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let (projection, key) = (projection.clone(), key.clone());
        let job = move |conn: &_| reader::parked_events(conn, &projection, &key, limit);
        self.inner.pool.read("read parked events", job).await
    }

    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
        let name = name.to_owned();
        let job = move |conn: &_| reader::stored_versions(conn, &name);
        self.inner.pool.read("read a projection's versions", job).await
    }

    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        let (replacements, fence) = (replacements.to_vec(), fence.cloned());
        self.ask(|reply| Request::Replace(replacements, fence, reply)).await
    }
}
