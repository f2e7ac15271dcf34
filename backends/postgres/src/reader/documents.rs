//! Read models and checkpoints.
//!
//! Invariant: documents come in the order of their keys' bytes, or in that of the question.

use bytes::Bytes;
use lucent_core::{
    Position,
    store::{Document, DocumentKey, ProjectionId},
};

use crate::{
    connect::Session,
    fault::Fault,
    row::{Json, from_sql, to_sql},
};

/// The documents of these keys, in their order.
pub(crate) async fn documents(
    session: &Session,
    projection: &ProjectionId,
    keys: &[DocumentKey],
) -> Result<Vec<Option<Bytes>>, Fault> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&str> = keys.iter().map(DocumentKey::as_str).collect();
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let rows = session.query(BY_KEY, &[&name, &version, &keys]).await?;
    rows.iter().map(|row| Ok(row.try_get::<_, Option<Json<&str>>>(0)?.map(copied))).collect()
}

/// Documents after a key.
pub(crate) async fn document_page(
    session: &Session,
    projection: &ProjectionId,
    after: Option<&DocumentKey>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let limit = to_sql(limit as u64);
    let rows = match after {
        None => session.query(FIRST_PAGE, &[&name, &version, &limit]).await?,
        Some(key) => session.query(PAGE, &[&name, &version, &limit, &key.as_str()]).await?,
    };
    rows.iter()
        .map(|row| {
            let key: String = row.try_get(0)?;
            Ok(Document { key: key.into(), body: copied(row.try_get(1)?) })
        })
        .collect()
}

/// The checkpoint of a projection.
pub(crate) async fn checkpoint(
    session: &Session,
    projection: &ProjectionId,
) -> Result<Position, Fault> {
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let rows = session.query(CHECKPOINT, &[&name, &version]).await?;
    Ok(match rows.first() {
        None => Position::ZERO,
        Some(row) => Position::new(from_sql(row.try_get(0)?)),
    })
}

/// The version from which queries of a projection are answered.
pub(crate) async fn active_version(session: &Session, name: &str) -> Result<Option<u32>, Fault> {
    let rows = session.query(ACTIVE, &[&name]).await?;
    let version = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
    Ok(version.map(|version| u32::try_from(version).unwrap_or(u32::MAX)))
}

fn copied(Json(body): Json<&str>) -> Bytes {
    Bytes::copy_from_slice(body.as_bytes())
}

/// A scalar subquery, so that each key is looked up by itself. With `key = ANY($3)`, the server may
/// read all documents of the projection and compare each with all of the keys: its plan does so if
/// the table was empty when its statistics were taken.
const BY_KEY: &str = "SELECT (SELECT d.body FROM {schema}.documents AS d WHERE d.projection = \
     (SELECT p.id FROM {schema}.projections AS p WHERE p.name = $1 AND p.version = $2) \
     AND d.key = n.key) \
     FROM unnest($3::text[]) WITH ORDINALITY AS n(key, number) ORDER BY n.number";

const FIRST_PAGE: &str = "SELECT key, body FROM {schema}.documents WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) \
     ORDER BY key LIMIT $3";

const PAGE: &str = "SELECT key, body FROM {schema}.documents WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) AND key > $4 \
     ORDER BY key LIMIT $3";

const CHECKPOINT: &str =
    "SELECT checkpoint FROM {schema}.projections WHERE name = $1 AND version = $2";

const ACTIVE: &str = "SELECT version FROM {schema}.active_projections WHERE name = $1";
