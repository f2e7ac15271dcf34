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
    reader::{
        page::{cut, rows},
        whole::{Order, refuse_gap, versions},
    },
    row::{event_columns, from_sql, to_sql},
};

/// Reads a page of a stream.
pub(crate) async fn read_stream(session: &Session, read: &StreamRead) -> Result<StreamPage, Fault> {
    if session.layout().partition_size().is_some() {
        return read_from_partitions(session, read).await;
    }
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

/// Reads a page from those partitions that can hold events of the stream.
async fn read_from_partitions(session: &Session, read: &StreamRead) -> Result<StreamPage, Fault> {
    let stream = read.stream.as_str();
    let standing = session.query(STANDING, &[&stream]).await?;
    let Some(row) = standing.first() else {
        return Ok(StreamPage { version: Version::ZERO, events: Vec::new(), end: true });
    };
    let version = Version::new(from_sql(row.try_get(0)?));
    let (first, last): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let (sql, start) = match read.from {
        ReadFrom::After(version) => (FORWARD_WITHIN, version),
        ReadFrom::Before(version) => (BACKWARD_WITHIN, version),
    };
    let (start, limit) = (to_sql(start.get()), rows(read.limit));
    let found = session.query(sql, &[&stream, &start, &limit, &first, &last]).await?;
    let cut = cut(session, &found, read.limit).await?;
    let newest = version.get();
    let (order, first, last, any) = match read.from {
        ReadFrom::After(start) => {
            (Order::Forward, start.get().saturating_add(1), newest, start < version)
        }
        ReadFrom::Before(start) => {
            let first = std::cmp::min(start.get().saturating_sub(1), newest);
            (Order::Backward, first, 1, first > 0)
        }
    };
    if any {
        let last = (!cut.left_over).then_some(last);
        let what = format!("the stream `{stream}`");
        refuse_gap(&what, order, versions(&cut.events), Some(first), last)?;
    }
    Ok(StreamPage { version, events: cut.events, end: !cut.left_over })
}

/// The version of a stream.
pub(crate) async fn stream_version(session: &Session, stream: &StreamId) -> Result<Version, Fault> {
    let sql = session.layout().choose(VERSION, STREAM_VERSION);
    let row = session.query_one(sql, &[&stream.as_str()]).await?;
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

const VERSION: &str = "SELECT coalesce((SELECT version FROM {schema}.events WHERE stream = $1 \
     ORDER BY version DESC LIMIT 1), 0)";

const FORWARD_WITHIN: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM {schema}.events WHERE stream = $1 AND version > $2 \
     AND position >= $4 AND position <= $5 ORDER BY version LIMIT $3"
);

const BACKWARD_WITHIN: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM {schema}.events WHERE stream = $1 AND version < $2 \
     AND position >= $4 AND position <= $5 ORDER BY version DESC LIMIT $3"
);

const STANDING: &str =
    "SELECT version, first_position, last_position FROM {schema}.streams WHERE stream = $1";

const STREAM_VERSION: &str =
    "SELECT coalesce((SELECT version FROM {schema}.streams WHERE stream = $1), 0)";
