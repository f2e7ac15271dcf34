//! Read models and checkpoints.
//!
//! Invariant: documents come in the order of their keys' bytes, or in that of the question.

use std::collections::HashMap;

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
    let found = fetch_documents(session, projection, keys).await?;
    Ok(keys.iter().map(|key| found.get(key.as_str()).cloned()).collect())
}

/// The documents that exist of these keys.
pub(crate) async fn fetch_documents(
    session: &Session,
    projection: &ProjectionId,
    keys: &[DocumentKey],
) -> Result<HashMap<String, Bytes>, Fault> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<&str> = keys.iter().map(DocumentKey::as_str).collect();
    let (name, version) = (&*projection.name, i64::from(projection.version));
    let rows = session.query(BY_KEY, &[&name, &version, &keys]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, body(row)?))).collect()
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
            Ok(Document { key: key.into(), body: body(row)? })
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

fn body(row: &tokio_postgres::Row) -> Result<Bytes, Fault> {
    let Json(body) = row.try_get::<_, Json<&str>>(1)?;
    Ok(Bytes::copy_from_slice(body.as_bytes()))
}

const BY_KEY: &str = "SELECT key, body FROM {schema}.documents WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) AND key = ANY($3)";

const FIRST_PAGE: &str = "SELECT key, body FROM {schema}.documents WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) \
     ORDER BY key LIMIT $3";

const PAGE: &str = "SELECT key, body FROM {schema}.documents WHERE projection = \
     (SELECT id FROM {schema}.projections WHERE name = $1 AND version = $2) AND key > $4 \
     ORDER BY key LIMIT $3";

const CHECKPOINT: &str =
    "SELECT checkpoint FROM {schema}.projections WHERE name = $1 AND version = $2";

const ACTIVE: &str = "SELECT version FROM {schema}.active_projections WHERE name = $1";
