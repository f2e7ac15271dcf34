//! Folding a stream on a reading thread.
//!
//! Invariant: a turn is short, so that a long stream holds up neither other readers nor the
//! write-ahead log.

use lucent_core::{StreamEvent, StreamId, Version, store::StreamFolder};
use rusqlite::{Connection, params};

use crate::{
    fault::Fault,
    reader::stream_version,
    row::{Decoder, part_columns, to_sql},
};

/// How far a turn came.
#[derive(Debug)]
pub(crate) struct FoldTurn {
    /// The last version that was folded.
    pub(crate) last: Version,
    /// The stream's version.
    pub(crate) version: Version,
    /// Whether there is nothing left to fold, or the folder has enough.
    pub(crate) end: bool,
}

/// The most that a turn folds.
const EVENTS: i64 = 4_096;
const BYTES: usize = 8 << 20;

/// Folds some events of a stream after a version; the caller holds a read transaction.
pub(crate) fn fold_turn(
    conn: &Connection,
    stream: &StreamId,
    after: Version,
    folder: &mut StreamFolder,
) -> Result<FoldTurn, Fault> {
    let version = stream_version(conn, stream)?;
    let mut turn = FoldTurn { last: after, version, end: version <= after };
    if turn.end {
        return Ok(turn);
    }
    let mut statement = conn.prepare_cached(AFTER)?;
    let mut rows = statement.query(params![stream.as_str(), to_sql(after.get()), EVENTS])?;
    let mut decoder = Decoder::default();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let part = decoder.part(row)?;
        bytes += part.payload.data.len();
        turn.last = part.version;
        let event = StreamEvent {
            position: part.position,
            version: part.version,
            event_type: &part.event_type,
            schema_version: part.schema_version,
            payload: &part.payload,
        };
        turn.end = folder(event).is_break();
        if turn.end || bytes > BYTES {
            break;
        }
    }
    turn.end |= turn.last >= version;
    Ok(turn)
}

const AFTER: &str = concat!(
    "SELECT ",
    part_columns!(),
    " FROM events WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3"
);
