//! Steps of projections: documents and checkpoint in one transaction.
//!
//! Invariant: a step is taken only from the stored checkpoint.

use lucent_core::store::{
    CommitError, Document, DocumentChange, DocumentKey, ProjectionCommit, ProjectionId,
};
use rusqlite::{CachedStatement, Connection, params, types::ValueRef};

use crate::{
    fault::Fault,
    reader::find_projection,
    row::to_sql,
    writer::{batch::Batch, cache::StoredProjection, request::Outcome},
};

impl Batch<'_> {
    /// Takes a step of an asynchronous projection.
    pub(crate) fn commit_projection(
        &mut self,
        commit: &ProjectionCommit,
    ) -> Result<Result<(), CommitError>, Fault> {
        if let Err(error) = commit.refuse_events() {
            return Ok(Err(error));
        }
        if let Some(fence) = &commit.fence
            && let Err(held_by) = self.check_fence(fence)?
        {
            let (projection, lease) = (commit.projection.clone(), fence.lease.clone());
            return Ok(Err(CommitError::LeaseLost { projection, lease, held_by }));
        }
        let known = self.known_projection(&commit.projection)?;
        let found = known.map_or(0, |known| known.checkpoint);
        if found != commit.from.get() {
            return Ok(Err(CommitError::CheckpointMoved {
                projection: commit.projection.clone(),
                expected: commit.from,
                found: lucent_core::Position::new(found),
            }));
        }
        if known.map_or(0, |known| known.revision) != commit.revision {
            let projection = commit.projection.clone();
            return Ok(Err(CommitError::ParkedMoved { projection }));
        }
        let id = self.projection(&commit.projection)?.id;
        // An inline step of the same batch may wait to be written; this one comes after it.
        self.write_documents()?;
        let model = match &commit.read_model {
            Some(read_model) => self.projection(read_model)?.id,
            None => id,
        };
        write_changes(self.conn, model, &commit.changes)?;
        self.change_parked(&commit.projection, id, &commit.parked)?;
        self.move_checkpoint(&commit.projection, commit.to.get());
        if commit.activate {
            self.conn
                .prepare_cached("UPDATE projections SET active = (version = ?2) WHERE name = ?1")?
                .execute(params![&*commit.projection.name, commit.projection.version])?;
        }
        Ok(Ok(()))
    }

    /// Removes a version of a projection.
    pub(crate) fn drop_projection(&mut self, projection: &ProjectionId) -> Result<Outcome, Fault> {
        if let Some(known) = self.known_projection(projection)? {
            self.remove(known.id)?;
            self.cache.projections.remove(projection);
        }
        Ok(Outcome::Done)
    }

    /// The row of a projection, which is made if there is none.
    pub(crate) fn projection(
        &mut self,
        projection: &ProjectionId,
    ) -> Result<StoredProjection, Fault> {
        if let Some(known) = self.known_projection(projection)? {
            return Ok(known);
        }
        self.conn
            .prepare_cached(
                "INSERT INTO projections (name, version, checkpoint, active) VALUES (?1, ?2, 0, 0)",
            )?
            .execute(params![&*projection.name, projection.version])?;
        let id = self.conn.last_insert_rowid();
        let made = StoredProjection { id, checkpoint: 0, revision: 0, moved: false };
        self.cache.projections.insert(projection.clone(), made);
        Ok(made)
    }

    /// Moves the checkpoint of a projection whose row is known.
    pub(crate) fn move_checkpoint(&mut self, projection: &ProjectionId, to: u64) {
        if let Some(known) = self.cache.projections.get_mut(projection)
            && known.checkpoint != to
        {
            known.checkpoint = to;
            known.moved = true;
        }
    }

    /// Writes the documents that inline projections changed.
    pub(crate) fn write_documents(&mut self) -> Result<(), Fault> {
        if self.documents.is_empty() {
            return Ok(());
        }
        let mut changed: Vec<_> = self.documents.drain().collect();
        // Neighbors share pages.
        changed.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut put = self.conn.prepare_cached(PUT)?;
        let mut delete = self.conn.prepare_cached(DELETE)?;
        for ((id, key), body) in changed {
            match body {
                Some(body) => put_document(&mut put, id, &Document { key, body })?,
                None => delete_document(&mut delete, id, &key)?,
            }
        }
        Ok(())
    }

    /// Writes the checkpoints that moved.
    pub(crate) fn write_checkpoints(&mut self) -> Result<(), Fault> {
        for known in self.cache.projections.values_mut() {
            if std::mem::take(&mut known.moved) {
                self.conn
                    .prepare_cached("UPDATE projections SET checkpoint = ?2 WHERE id = ?1")?
                    .execute(params![known.id, to_sql(known.checkpoint)])?;
            }
        }
        Ok(())
    }

    /// The row of a projection, if there is one.
    pub(crate) fn known_projection(
        &mut self,
        projection: &ProjectionId,
    ) -> Result<Option<StoredProjection>, Fault> {
        if let Some(&known) = self.cache.projections.get(projection) {
            return Ok(Some(known));
        }
        let found = find_projection(self.conn, projection)?.map(|(id, checkpoint, revision)| {
            StoredProjection { id, checkpoint, revision, moved: false }
        });
        if let Some(found) = found {
            self.cache.projections.insert(projection.clone(), found);
        }
        Ok(found)
    }
}

fn write_changes(conn: &Connection, id: i64, changes: &[DocumentChange]) -> Result<(), Fault> {
    let mut put = conn.prepare_cached(PUT)?;
    let mut delete = conn.prepare_cached(DELETE)?;
    for change in changes {
        match change {
            DocumentChange::Put(document) => put_document(&mut put, id, document)?,
            DocumentChange::Delete(key) => delete_document(&mut delete, id, key)?,
        }
    }
    Ok(())
}

fn put_document(
    statement: &mut CachedStatement<'_>,
    id: i64,
    document: &Document,
) -> Result<(), Fault> {
    let body = if std::str::from_utf8(&document.body).is_ok() {
        ValueRef::Text(&document.body)
    } else {
        ValueRef::Blob(&document.body)
    };
    let body = rusqlite::types::ToSqlOutput::Borrowed(body);
    statement.execute(params![id, document.key.as_str(), body])?;
    Ok(())
}

fn delete_document(
    statement: &mut CachedStatement<'_>,
    id: i64,
    key: &DocumentKey,
) -> Result<(), Fault> {
    statement.execute(params![id, key.as_str()])?;
    Ok(())
}

const PUT: &str = "INSERT INTO documents (projection, key, body) VALUES (?1, ?2, ?3) \
     ON CONFLICT (projection, key) DO UPDATE SET body = excluded.body";

const DELETE: &str = "DELETE FROM documents WHERE projection = ?1 AND key = ?2";
