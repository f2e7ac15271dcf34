//! Snapshots.
//!
//! Invariant: of one key and shape, the newest one stays.

use lucent_core::{
    Position, Version,
    store::{Snapshot, SnapshotKey},
};

use crate::{
    connect::Session,
    fault::Fault,
    row::{Json, content_column, from_sql, is_storable_json, payload, to_sql},
};

/// The snapshot of a key.
pub(crate) async fn load_snapshot(
    session: &Session,
    key: &SnapshotKey,
) -> Result<Option<Snapshot>, Fault> {
    let rows = session.query(LOAD, &[&key.stream.as_str(), &key.aggregate]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let payload = payload(row, 3)
        .map_err(|error| Fault::damaged(format!("the snapshot of `{}`", key.stream), error))?;
    Ok(Some(Snapshot {
        version: Version::new(from_sql(row.try_get(0)?)),
        position: Position::new(from_sql(row.try_get(1)?)),
        schema_version: u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(u32::MAX),
        payload: payload.unwrap_or_default(),
    }))
}

/// Keeps a snapshot, unless a newer one of the same shape is kept.
pub(crate) async fn save_snapshot(
    session: &Session,
    key: &SnapshotKey,
    snapshot: &Snapshot,
) -> Result<(), Fault> {
    let is_json = is_storable_json(&snapshot.payload);
    let data = &snapshot.payload.data[..];
    session
        .execute(
            SAVE,
            &[
                &key.stream.as_str(),
                &key.aggregate,
                &to_sql(snapshot.version.get()),
                &to_sql(snapshot.position.get()),
                &i64::from(snapshot.schema_version),
                &content_column(&snapshot.payload, is_json),
                &is_json.then_some(Json(data)),
                &(!is_json).then_some(data),
            ],
        )
        .await?;
    Ok(())
}

const LOAD: &str = "SELECT version, position, schema_version, content_type, payload, bytes \
     FROM {schema}.snapshots WHERE stream = $1 AND aggregate = $2";

const SAVE: &str = "INSERT INTO {schema}.snapshots AS s \
     (stream, aggregate, version, position, schema_version, content_type, payload, bytes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (stream, aggregate) DO UPDATE SET version = excluded.version, \
     position = excluded.position, schema_version = excluded.schema_version, \
     content_type = excluded.content_type, payload = excluded.payload, bytes = excluded.bytes \
     WHERE s.schema_version <> excluded.schema_version OR s.version <= excluded.version";
