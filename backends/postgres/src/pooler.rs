//! Tells a session from what a pooler only calls one.
//!
//! Invariant: no statement is prepared before this is known.

use lucent_core::store::StoreError;
use tokio_postgres::{SimpleQueryMessage, error::SqlState};

use crate::{
    connect::{Server, Session},
    fault::Fault,
};

/// Refuses a pooler that gives each transaction whatever connection is free.
///
/// Of two sessions, one begins a transaction. If it got the connection of the other one, or the other
/// one gets another connection from now on, then these are no sessions.
pub(crate) async fn refuse_pooler(
    session: &Session,
    other: &Session,
    server: &Server,
) -> Result<(), Fault> {
    let own = process(session, MYSELF).await?;
    let begun = process(other, BEGIN).await;
    let shared = match &begun {
        Ok(process) => *process == own || process_changes(session, &own).await?,
        // There is a mode in which a pooler takes no transactions at all.
        Err(fault) => fault.is_of(&SqlState::PROTOCOL_VIOLATION),
    };
    if shared {
        return Err(Fault::Store(pooled(&server.location)));
    }
    begun?;
    other.simple_query("ROLLBACK").await.map(drop)
}

/// The error of a store behind such a pooler.
pub(crate) fn pooled(location: &str) -> StoreError {
    StoreError::Inaccessible {
        location: location.to_owned(),
        reason: "a pooler gives each transaction another session, as PgBouncer does with \
                 `pool_mode = transaction`, and the store's sessions keep statements, settings and \
                 notifications"
            .to_owned(),
        remedy: "connect to PostgreSQL itself, or to a pool with `pool_mode = session`".to_owned(),
    }
}

async fn process_changes(session: &Session, before: &str) -> Result<bool, Fault> {
    Ok(process(session, MYSELF).await? != before)
}

/// The server process that answers.
async fn process(session: &Session, sql: &str) -> Result<String, Fault> {
    let rows = session.simple_query(sql).await?;
    let found = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(found.unwrap_or_default().to_owned())
}

const MYSELF: &str = "SELECT pg_backend_pid()";
const BEGIN: &str = "BEGIN; SELECT pg_backend_pid()";
