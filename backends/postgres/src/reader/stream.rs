//! Reading one stream.
//!
//! Invariant: the version beside a page is never behind the page.

use lucent_core::{
    StreamId, Version,
    store::{ReadFrom, StreamPage, StreamRead},
};

use crate::{
    connect::{Session, Values},
    fault::Fault,
    reader::page::{cut, rows},
    row::{event_columns, from_sql, to_sql},
};

/// Reads a page of a stream.
pub(crate) async fn read_stream(session: &Session, read: &StreamRead) -> Result<StreamPage, Fault> {
    let (sql, start) = match read.from {
        ReadFrom::After(version) => (FORWARD, version),
        ReadFrom::Before(version) => (BACKWARD, version),
    };
    let stream = read.stream.as_str();
    let (start, limit) = (to_sql(start.get()), rows(read.limit));
    // Statements that are ready are sent in the order of this text, without waiting. The version is
    // read first: it may be older than the page, and then the page tells.
    session.statement(VERSION).await?;
    session.statement(sql).await?;
    let (named, ranged): (&Values<'_>, &Values<'_>) = (&[&stream], &[&stream, &start, &limit]);
    let (version, found) =
        futures::join!(session.query_one(VERSION, named), session.query(sql, ranged));
    let version = Version::new(from_sql(version?.try_get(0)?));
    let cut = cut(session, &found?, read.limit).await?;
    let newest = cut.events.iter().map(|event| event.version).max().unwrap_or_default();
    Ok(StreamPage { version: version.max(newest), events: cut.events, end: !cut.left_over })
}

/// The version of a stream.
pub(crate) async fn stream_version(session: &Session, stream: &StreamId) -> Result<Version, Fault> {
    let row = session.query_one(VERSION, &[&stream.as_str()]).await?;
    Ok(Version::new(from_sql(row.try_get(0)?)))
}

const FORWARD: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM {schema}.events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3"
);

const BACKWARD: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM {schema}.events WHERE stream = $1 AND version < $2 ORDER BY version DESC LIMIT $3"
);

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM {schema}.events WHERE stream = $1";
