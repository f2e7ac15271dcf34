//! Parked events.
//!
//! Invariant: lines come in the order of the bytes of their keys, documents before streams, and the
//! events of a line in the order of the log.

use lucent_core::{
    Position, StreamId,
    store::{Parked, ParkedEvent, ParkedKey, ParkedLine, ProjectionId, StoredVersion},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    fault::Fault,
    reader::find_projection,
    row::{from_sql, to_sql},
};

/// Everything that a projection has parked; the pool's transaction makes it one look at the file.
pub(crate) fn parked(conn: &Connection, projection: &ProjectionId) -> Result<Parked, Fault> {
    let found: Option<(i64, i64)> = conn
        .prepare_cached("SELECT id, revision FROM projections WHERE name = ?1 AND version = ?2")?
        .query_row(params![&*projection.name, projection.version], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((id, revision)) = found else {
        return Ok(Parked::default());
    };
    let mut statement = conn.prepare_cached(LINES)?;
    let mut rows = statement.query([id])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(ParkedLine { first: event(row)?, events: from_sql(row.get(6)?) });
    }
    Ok(Parked { revision: from_sql(revision), lines })
}

/// The first events of a line.
pub(crate) fn parked_events(
    conn: &Connection,
    projection: &ProjectionId,
    key: &ParkedKey,
    limit: usize,
) -> Result<Vec<ParkedEvent>, Fault> {
    let Some((id, ..)) = find_projection(conn, projection)? else {
        return Ok(Vec::new());
    };
    let (kind, text) = key_columns(key);
    let mut statement = conn.prepare_cached(EVENTS)?;
    let mut rows = statement.query(params![id, kind, text, to_sql(limit as u64)])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

/// The versions of a projection.
pub(crate) fn stored_versions(conn: &Connection, name: &str) -> Result<Vec<StoredVersion>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT version, checkpoint, active FROM projections WHERE name = ?1 ORDER BY version",
    )?;
    let mut rows = statement.query([name])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(StoredVersion {
            version: row.get(0)?,
            checkpoint: Position::new(from_sql(row.get(1)?)),
            active: row.get(2)?,
        });
    }
    Ok(versions)
}

/// A line's key as it is stored.
pub(crate) fn key_columns(key: &ParkedKey) -> (i64, &str) {
    match key {
        ParkedKey::Document(key) => (DOCUMENT, key.as_str()),
        ParkedKey::Stream(stream) => (STREAM, stream.as_str()),
    }
}

fn event(row: &Row<'_>) -> Result<ParkedEvent, Fault> {
    let (kind, key): (i64, String) = (row.get(0)?, row.get(1)?);
    let position: i64 = row.get(2)?;
    let damaged = |reason: String| Fault::damaged(format!("parked event {position}"), reason);
    let stream = |name: String| StreamId::new(name).map_err(|error| damaged(error.to_string()));
    Ok(ParkedEvent {
        key: match kind {
            DOCUMENT => ParkedKey::Document(key.into()),
            STREAM => ParkedKey::Stream(stream(key)?),
            other => return Err(damaged(format!("its key is of the unknown kind {other}"))),
        },
        position: Position::new(from_sql(position)),
        stream: stream(row.get(3)?)?,
        event_type: row.get(4)?,
        reason: row.get(5)?,
    })
}

const DOCUMENT: i64 = 0;
const STREAM: i64 = 1;

/// The smallest position of a group brings the other columns of its row with it.
const LINES: &str = "SELECT kind, key, min(position), stream, event_type, reason, count(*) \
     FROM parked WHERE projection = ?1 GROUP BY kind, key ORDER BY kind, key";

const EVENTS: &str = "SELECT kind, key, position, stream, event_type, reason FROM parked \
     WHERE projection = ?1 AND kind = ?2 AND key = ?3 ORDER BY position LIMIT ?4";
