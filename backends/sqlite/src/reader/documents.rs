//! Documents and checkpoints of projections.

use bytes::Bytes;
use lucent_core::{
    Position,
    store::{Document, DocumentKey, ProjectionId},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::ValueRef};

use crate::{
    fault::Fault,
    row::{from_sql, to_sql},
};

/// The documents of these keys, in their order.
pub(crate) fn documents(
    conn: &Connection,
    projection: &ProjectionId,
    keys: &[DocumentKey],
) -> Result<Vec<Option<Bytes>>, Fault> {
    let Some((id, ..)) = find(conn, projection)? else {
        return Ok(vec![None; keys.len()]);
    };
    keys.iter().map(|key| document(conn, id, key)).collect()
}

/// One document.
pub(crate) fn document(
    conn: &Connection,
    projection: i64,
    key: &DocumentKey,
) -> Result<Option<Bytes>, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT body, key FROM documents WHERE projection = ?1 AND key = ?2")?;
    let mut rows = statement.query(params![projection, key.as_str()])?;
    rows.next()?.map(body).transpose()
}

/// Documents in the order of their keys.
pub(crate) fn document_page(
    conn: &Connection,
    projection: &ProjectionId,
    after: Option<&DocumentKey>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let Some((id, ..)) = find(conn, projection)? else {
        return Ok(Vec::new());
    };
    let (sql, after) = match after {
        // An empty text is a key too, so the first page has a statement of its own.
        None => (FIRST_PAGE, ""),
        Some(key) => (NEXT_PAGE, key.as_str()),
    };
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![id, after, to_sql(limit as u64)])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        documents
            .push(Document { key: DocumentKey::from(row.get::<_, String>(1)?), body: body(row)? });
    }
    Ok(documents)
}

/// How far a projection has come.
pub(crate) fn checkpoint(conn: &Connection, projection: &ProjectionId) -> Result<Position, Fault> {
    let found = find(conn, projection)?;
    Ok(found.map_or(Position::ZERO, |(_, checkpoint, _)| Position::new(checkpoint)))
}

/// The version that queries are answered from.
pub(crate) fn active_version(conn: &Connection, name: &str) -> Result<Option<u32>, Fault> {
    Ok(conn
        .prepare_cached("SELECT version FROM projections WHERE name = ?1 AND active = 1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

/// The row id, the checkpoint and the revision of a projection.
pub(crate) fn find(
    conn: &Connection,
    projection: &ProjectionId,
) -> Result<Option<(i64, u64, u64)>, Fault> {
    let found: Option<(i64, i64, i64)> = conn
        .prepare_cached(
            "SELECT id, checkpoint, revision FROM projections WHERE name = ?1 AND version = ?2",
        )?
        .query_row(params![&*projection.name, projection.version], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(found.map(|(id, checkpoint, revision)| (id, from_sql(checkpoint), from_sql(revision))))
}

fn body(row: &Row<'_>) -> Result<Bytes, Fault> {
    match row.get_ref(0)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        other => {
            let key: String = row.get(1)?;
            let reason = format!("its body is {}", other.data_type());
            Err(Fault::damaged(format!("document `{key}`"), reason))
        }
    }
}

const FIRST_PAGE: &str = "SELECT body, key FROM documents WHERE projection = ?1 AND key >= ?2 \
     ORDER BY key LIMIT ?3";

const NEXT_PAGE: &str = "SELECT body, key FROM documents WHERE projection = ?1 AND key > ?2 \
     ORDER BY key LIMIT ?3";
