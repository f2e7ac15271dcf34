//! Snapshots of aggregates.
//!
//! Invariant: a snapshot that cannot be read counts as none.

use lucent_core::{
    Position, Version,
    store::{Snapshot, SnapshotKey},
};
use rusqlite::{Connection, Row, params};

use crate::{
    fault::Fault,
    row::{from_sql, integer, payload, schema_version},
};

/// The snapshot of this key, if there is one.
pub(crate) fn load_snapshot(
    conn: &Connection,
    key: &SnapshotKey,
) -> Result<Option<Snapshot>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT version, position, schema_version, content_type, data FROM snapshots \
         WHERE stream = ?1 AND aggregate = ?2",
    )?;
    let mut rows = statement.query(params![key.stream.as_str(), key.aggregate])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    match read(row) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(reason) => {
            let stream = key.stream.as_str();
            tracing::warn!(stream, reason, "ignored a damaged snapshot");
            Ok(None)
        }
    }
}

fn read(row: &Row<'_>) -> Result<Snapshot, String> {
    Ok(Snapshot {
        version: Version::new(from_sql(integer(row, 0)?)),
        position: Position::new(from_sql(integer(row, 1)?)),
        schema_version: schema_version(row, 2)?,
        payload: payload(row, 3, 4)?,
    })
}
