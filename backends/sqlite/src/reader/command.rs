//! Outcomes of commands with ids.

use bytes::Bytes;
use lucent_core::{CommandId, Position, Version, store::Appended};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{fault::Fault, row::from_sql};

/// The outcome of the append with this command id, if there was one.
pub(crate) fn command_outcome(
    conn: &Connection,
    command: CommandId,
) -> Result<Option<Appended>, Fault> {
    let found: Option<(i64, String, Option<Vec<u8>>)> = conn
        .prepare_cached("SELECT position, versions, reply FROM commands WHERE command_id = ?1")?
        .query_row([command.uuid().as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((position, versions, reply)) = found else { return Ok(None) };
    let versions: Vec<u64> = serde_json::from_str(&versions).map_err(|error| {
        Fault::damaged(format!("command {command}"), format!("its versions: {error}"))
    })?;
    Ok(Some(Appended {
        position: Position::new(from_sql(position)),
        versions: versions.into_iter().map(Version::new).collect(),
        repeated: true,
        reply: reply.map(Bytes::from),
    }))
}
