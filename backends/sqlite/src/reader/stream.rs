//! Pages of one stream.

use lucent_core::{
    RecordedEvent, StreamId, Version,
    store::{PageLimit, ReadFrom, StreamPage, StreamRead},
};
use rusqlite::{Connection, params};

use crate::{
    fault::Fault,
    row::{Decoder, event_columns, from_sql, to_sql},
};

/// Events of a page, cut by count and bytes.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<RecordedEvent>,
    limit: PageLimit,
    bytes: usize,
}

impl Page {
    pub(crate) fn new(limit: PageLimit) -> Self {
        Self {
            // A page of the default size without growing.
            events: Vec::with_capacity(std::cmp::min(limit.events, 1_000)),
            limit,
            bytes: 0,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= self.limit.events.max(1)
    }

    /// Takes an event, unless it does not fit any more; the first one always fits.
    pub(crate) fn take(&mut self, event: RecordedEvent) -> bool {
        if self.is_full() {
            return false;
        }
        if !self.events.is_empty() {
            let bytes = self.bytes.saturating_add(event.payload.data.len());
            if bytes > self.limit.bytes {
                return false;
            }
            self.bytes = bytes;
        }
        self.events.push(event);
        true
    }
}

/// Reads a page and the stream's version; the caller holds a read transaction.
pub(crate) fn read_stream(conn: &Connection, read: &StreamRead) -> Result<StreamPage, Fault> {
    let version = stream_version(conn, &read.stream)?;
    let mut page = Page::new(read.limit);
    let (sql, from) = match read.from {
        ReadFrom::After(from) => (FORWARD, from),
        ReadFrom::Before(from) => (BACKWARD, from),
    };
    let wanted = to_sql(read.limit.events.max(1) as u64);
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![read.stream.as_str(), to_sql(from.get()), wanted])?;
    let mut decoder = Decoder::of_stream(&read.stream);
    while let Some(row) = rows.next()? {
        if !page.take(decoder.event(row)?) {
            break;
        }
    }
    let end = match (page.events.last(), read.from) {
        (None, _) => true,
        (Some(last), ReadFrom::After(_)) => last.version >= version,
        (Some(last), ReadFrom::Before(_)) => last.version.get() <= 1,
    };
    Ok(StreamPage { events: page.events, version, end })
}

/// The version of a stream; zero if it does not exist.
pub(crate) fn stream_version(conn: &Connection, stream: &StreamId) -> Result<Version, Fault> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT max(version) FROM events WHERE stream = ?1")?
        .query_row([stream.as_str()], |row| row.get(0))?;
    Ok(Version::new(found.map_or(0, from_sql)))
}

const FORWARD: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3"
);

const BACKWARD: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE stream = ?1 AND version < ?2 ORDER BY version DESC LIMIT ?3"
);
