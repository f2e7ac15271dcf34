//! Parked events, and putting one projection into the place of another.
//!
//! Invariant: each change of what is parked moves the projection's revision on, so that no step that
//! was planned before it is taken.

use lucent_core::{
    Position,
    store::{CommitError, Fence, ParkedChange, ProjectionId, Replacement},
};
use rusqlite::params;

use crate::{
    fault::Fault,
    reader::key_columns,
    row::to_sql,
    writer::{batch::Batch, cache::StoredProjection},
};

impl Batch<'_> {
    /// Sets events aside, and takes others back.
    pub(crate) fn change_parked(
        &mut self,
        projection: &ProjectionId,
        id: i64,
        changes: &[ParkedChange],
    ) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes {
            match change {
                ParkedChange::Park(event) => {
                    let (kind, key) = key_columns(&event.key);
                    self.conn.prepare_cached(PARK)?.execute(params![
                        id,
                        kind,
                        key,
                        to_sql(event.position.get()),
                        event.stream.as_str(),
                        event.event_type,
                        event.reason,
                    ])?;
                }
                ParkedChange::Release { key, position } => {
                    let (kind, key) = key_columns(key);
                    let position = to_sql(position.get());
                    self.conn.prepare_cached(RELEASE)?.execute(params![id, kind, key, position])?;
                }
            }
        }
        self.conn
            .prepare_cached("UPDATE projections SET revision = revision + 1 WHERE id = ?1")?
            .execute([id])?;
        if let Some(known) = self.cache.projections.get_mut(projection) {
            known.revision += 1;
        }
        Ok(())
    }

    /// Removes everything of a row of the table of projections.
    pub(crate) fn remove(&mut self, id: i64) -> Result<(), Fault> {
        self.documents.retain(|(waiting, _), _| *waiting != id);
        for sql in REMOVE {
            self.conn.prepare_cached(sql)?.execute([id])?;
        }
        Ok(())
    }

    /// Puts what was built under other ids into its places.
    pub(crate) fn replace_projections(
        &mut self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<Result<(), CommitError>, Fault> {
        if let (Some(fence), Some(first)) = (fence, replacements.first())
            && let Err(held_by) = self.check_fence(fence)?
        {
            let (projection, lease) = (first.place.clone(), fence.lease.clone());
            return Ok(Err(CommitError::LeaseLost { projection, lease, held_by }));
        }
        // Others are in the same transaction: all is judged before anything is written.
        for Replacement { built, place } in replacements {
            let found = self.known_projection(built)?.map_or(0, |known| known.checkpoint);
            let expected = self.known_projection(place)?.map_or(0, |known| known.checkpoint);
            if found < expected {
                return Ok(Err(CommitError::CheckpointMoved {
                    projection: built.clone(),
                    expected: Position::new(expected),
                    found: Position::new(found),
                }));
            }
        }
        for Replacement { built, place } in replacements {
            self.replace_projection(built, place)?;
        }
        Ok(Ok(()))
    }

    fn replace_projection(
        &mut self,
        built: &ProjectionId,
        place: &ProjectionId,
    ) -> Result<(), Fault> {
        let (new, old) = (self.projection(built)?, self.projection(place)?);
        // What waits to be written belongs to rows that are about to change their names.
        self.write_documents()?;
        self.write_checkpoints()?;
        let revision = new.revision.max(old.revision) + 1;
        let active: bool = self
            .conn
            .prepare_cached("SELECT active FROM projections WHERE id = ?1")?
            .query_row([old.id], |row| row.get(0))?;
        self.remove(old.id)?;
        self.conn
            .prepare_cached(
                "UPDATE projections SET name = ?2, version = ?3, revision = ?4, active = ?5 \
                 WHERE id = ?1",
            )?
            .execute(params![new.id, &*place.name, place.version, to_sql(revision), active])?;
        self.cache.projections.remove(built);
        let replaced = StoredProjection { revision, ..new };
        self.cache.projections.insert(place.clone(), replaced);
        Ok(())
    }
}

const PARK: &str = "INSERT INTO parked \
     (projection, kind, key, position, stream, event_type, reason) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT (projection, kind, key, position) DO UPDATE SET reason = excluded.reason";

const REMOVE: [&str; 3] = [
    "DELETE FROM documents WHERE projection = ?1",
    "DELETE FROM parked WHERE projection = ?1",
    "DELETE FROM projections WHERE id = ?1",
];

const RELEASE: &str = "DELETE FROM parked \
     WHERE projection = ?1 AND kind = ?2 AND key = ?3 AND position = ?4";
