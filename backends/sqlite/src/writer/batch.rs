//! One transaction: judges each request in order, on top of what the earlier ones wrote.
//!
//! Invariant: a refused request writes nothing; an `Err` of this module rolls the whole batch back.

use std::collections::HashMap;

use bytes::Bytes;
use lucent_core::store::{DocumentKey, Snapshot, SnapshotKey};
use rusqlite::{CachedStatement, Connection, params};

use crate::{
    fault::Fault,
    heads::{data_version, read_head},
    open::check_schema,
    row::{StoredPayload, content_code, to_sql},
    writer::{
        cache::Cache,
        inline::Inline,
        request::{Outcome, Request},
    },
};

/// The state of a transaction.
pub(crate) struct Batch<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) cache: &'a mut Cache,
    pub(crate) inline: &'a mut Inline,
    /// The statement that writes events; looked up once for the batch.
    pub(crate) insert: Option<CachedStatement<'a>>,
    /// Documents that inline projections changed; they are written once, before the commit.
    pub(crate) documents: HashMap<(i64, DocumentKey), Option<Bytes>>,
}

impl<'a> Batch<'a> {
    /// Starts on an open transaction: checks whether what is remembered still holds.
    pub(crate) fn start(
        conn: &'a Connection,
        cache: &'a mut Cache,
        inline: &'a mut Inline,
        path: &std::path::Path,
    ) -> Result<Self, Fault> {
        let found = data_version(conn)?;
        if cache.data_version != Some(found) {
            cache.forget();
            check_schema(conn, path)?;
            cache.head = read_head(conn)?;
            cache.data_version = Some(found);
        }
        Ok(Self { conn, cache, inline, insert: None, documents: HashMap::new() })
    }

    /// Judges and writes a request.
    pub(crate) fn run(&mut self, request: &Request) -> Result<Outcome, Fault> {
        if request.is_abandoned() {
            return Ok(Outcome::Abandoned);
        }
        match request {
            Request::Append(append, _) => self.append(append).map(Outcome::Appended),
            Request::Project(commit, _) => self.commit_projection(commit).map(Outcome::Projected),
            Request::Snapshot(key, snapshot, _) => self.save_snapshot(key, snapshot),
            Request::Drop(projection, _) => self.drop_projection(projection),
            Request::Replace(replacements, fence, _) => {
                self.replace_projections(replacements, fence.as_ref()).map(Outcome::Projected)
            }
            Request::Lease(change) => self.change_lease(change),
            Request::Close(_) => Ok(Outcome::Done),
        }
    }

    /// Writes what was put off until the end.
    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        self.write_documents()?;
        self.write_checkpoints()
    }

    fn save_snapshot(&mut self, key: &SnapshotKey, snapshot: &Snapshot) -> Result<Outcome, Fault> {
        // A snapshot is a cache: one that cannot be kept is left out.
        let Ok(content_type) = content_code(&snapshot.payload) else {
            let stream = key.stream.as_str();
            tracing::warn!(stream, "left out a snapshot whose payload cannot be stored");
            return Ok(Outcome::Done);
        };
        self.conn
            .prepare_cached(
                "INSERT INTO snapshots \
                 (stream, aggregate, version, position, schema_version, content_type, data) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT (stream, aggregate) DO UPDATE SET version = excluded.version, \
                 position = excluded.position, schema_version = excluded.schema_version, \
                 content_type = excluded.content_type, data = excluded.data \
                 WHERE schema_version <> excluded.schema_version OR version <= excluded.version",
            )?
            .execute(params![
                key.stream.as_str(),
                key.aggregate,
                to_sql(snapshot.version.get()),
                to_sql(snapshot.position.get()),
                snapshot.schema_version,
                content_type,
                StoredPayload(&snapshot.payload),
            ])?;
        Ok(Outcome::Done)
    }
}
