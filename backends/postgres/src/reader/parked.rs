//! Parked events.
//!
//! Invariant: lines come in the order of the bytes of their keys, documents before streams, and the
//! events of a line in the order of the log.

use lucent_core::{
    Position, StreamId,
    store::{Parked, ParkedEvent, ParkedKey, ParkedLine, ProjectionId, StoreError, StoredVersion},
};
use tokio_postgres::Row;

use crate::{
    connect::Session,
    fault::Fault,
    row::{from_sql, to_sql},
};

/// Everything that a projection has parked, in one statement.
pub(crate) async fn parked(session: &Session, projection: &ProjectionId) -> Result<Parked, Fault> {
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let rows = session.query(PARKED, &[&name, &version]).await?;
    let mut parked = Parked::default();
    for row in &rows {
        parked.revision = from_sql(row.try_get(7)?);
        // A projection that has parked nothing has a row without a line.
        if let Some(events) = row.try_get::<_, Option<i64>>(6)? {
            parked.lines.push(ParkedLine { first: event(row)?, events: from_sql(events) });
        }
    }
    Ok(parked)
}

/// The first events of a line.
pub(crate) async fn parked_events(
    session: &Session,
    projection: &ProjectionId,
    key: &ParkedKey,
    limit: usize,
) -> Result<Vec<ParkedEvent>, Fault> {
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let (kind, key) = key_columns(key);
    let limit = to_sql(limit as u64);
    let rows = session.query(EVENTS, &[&name, &version, &kind, &key, &limit]).await?;
    rows.iter().map(event).collect()
}

/// The versions of a projection.
pub(crate) async fn stored_versions(
    session: &Session,
    name: &str,
) -> Result<Vec<StoredVersion>, Fault> {
    let rows = session.query(VERSIONS, &[&name]).await?;
    rows.iter()
        .map(|row| {
            let version: i64 = row.try_get(0)?;
            Ok(StoredVersion {
                version: u32::try_from(version).unwrap_or(u32::MAX),
                checkpoint: Position::new(from_sql(row.try_get(1)?)),
                active: row.try_get(2)?,
            })
        })
        .collect()
}

/// A line's key as it is stored.
pub(crate) fn key_columns(key: &ParkedKey) -> (i16, &str) {
    match key {
        ParkedKey::Document(key) => (DOCUMENT, key.as_str()),
        ParkedKey::Stream(stream) => (STREAM, stream.as_str()),
    }
}

fn event(row: &Row) -> Result<ParkedEvent, Fault> {
    let (kind, key): (i16, String) = (row.try_get(0)?, row.try_get(1)?);
    let position: i64 = row.try_get(2)?;
    let damaged = |reason: String| StoreError::Damaged {
        location: format!("parked event {position}"),
        reason,
    };
    let stream = |name: String| StreamId::new(name).map_err(|error| damaged(error.to_string()));
    Ok(ParkedEvent {
        key: match kind {
            DOCUMENT => ParkedKey::Document(key.into()),
            STREAM => ParkedKey::Stream(stream(key)?),
            other => return Err(damaged(format!("its key is of the unknown kind {other}")).into()),
        },
        position: Position::new(from_sql(position)),
        stream: stream(row.try_get(3)?)?,
        event_type: row.try_get(4)?,
        reason: row.try_get(5)?,
    })
}

const DOCUMENT: i16 = 0;
const STREAM: i16 = 1;

const PARKED: &str = "SELECT k.kind, k.key, k.position, k.stream, k.event_type, k.reason, \
     k.events, p.revision FROM {schema}.projections AS p LEFT JOIN LATERAL \
     (SELECT DISTINCT ON (kind, key) kind, key, position, stream, event_type, reason, \
     count(*) OVER (PARTITION BY kind, key) AS events \
     FROM {schema}.parked WHERE projection = p.id ORDER BY kind, key, position) AS k ON true \
     WHERE p.name = $1 AND p.version = $2 ORDER BY k.kind, k.key";

const EVENTS: &str = "SELECT kind, key, position, stream, event_type, reason \
     FROM {schema}.parked WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) \
     AND kind = $3 AND key = $4 ORDER BY position LIMIT $5";

const VERSIONS: &str = "SELECT p.version, p.checkpoint, coalesce(a.version = p.version, false) \
     FROM {schema}.projections AS p LEFT JOIN {schema}.active_projections AS a ON a.name = p.name \
     WHERE p.name = $1 ORDER BY p.version";
