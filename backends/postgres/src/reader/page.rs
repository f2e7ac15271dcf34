//! Cutting rows into pages.
//!
//! Invariant: a page that is not at the end holds at least one event, and what is fetched for a
//! page is bounded by its limits, however long payloads are.

use std::collections::HashMap;

use lucent_core::{Payload, RecordedEvent, store::PageLimit};
use tokio_postgres::Row;

use crate::{
    connect::Session,
    fault::Fault,
    row::{Fetched, Interner, payload, to_sql},
};

/// The events of a page, and whether rows were left over.
pub(crate) struct Cut {
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) left_over: bool,
}

/// How many rows to ask for: one more than the page holds.
pub(crate) fn rows(limit: PageLimit) -> i64 {
    to_sql(limit.events.max(1) as u64).saturating_add(1)
}

/// Makes events of rows, in their order, up to the limits.
pub(crate) async fn cut(session: &Session, rows: &[Row], limit: PageLimit) -> Result<Cut, Fault> {
    let mut interner = Interner::default();
    let mut page = Vec::with_capacity(rows.len());
    let mut bytes = 0_usize;
    for row in rows {
        let fetched = interner.recorded(row)?;
        if !page.is_empty() {
            bytes = bytes.saturating_add(fetched.size);
            if page.len() >= limit.events.max(1) || bytes > limit.bytes {
                let events = complete(session, page).await?;
                return Ok(Cut { events, left_over: true });
            }
        }
        page.push(fetched);
    }
    Ok(Cut { events: complete(session, page).await?, left_over: false })
}

/// Fetches the long payloads, which the rows left out.
async fn complete(session: &Session, page: Vec<Fetched>) -> Result<Vec<RecordedEvent>, Fault> {
    let mut payloads = HashMap::new();
    for positions in long_payloads(&page) {
        for row in session.query(LONG, &[&positions]).await? {
            let position: i64 = row.try_get(0)?;
            payloads.insert(position, long_payload(&row, position)?);
        }
    }
    page.into_iter()
        .map(|mut one| {
            if !one.complete {
                let position = to_sql(one.event.position.get());
                one.event.payload =
                    payloads.remove(&position).ok_or_else(|| damaged(position, "it is gone"))?;
            }
            Ok(one.event)
        })
        .collect()
}

/// The positions of payloads that are missing, in groups to be fetched at once.
fn long_payloads(page: &[Fetched]) -> Vec<Vec<i64>> {
    let mut groups = Vec::<Vec<i64>>::new();
    let mut room = 0;
    for one in page.iter().filter(|one| !one.complete) {
        let position = to_sql(one.event.position.get());
        match groups.last_mut() {
            Some(group) if one.size <= room => {
                room -= one.size;
                group.push(position);
            }
            _ => {
                room = AT_ONCE.saturating_sub(one.size);
                groups.push(vec![position]);
            }
        }
    }
    groups
}

fn long_payload(row: &Row, position: i64) -> Result<Payload, Fault> {
    payload(row, 1)
        .map_err(|error| damaged(position, &error))?
        .ok_or_else(|| damaged(position, "there is none"))
}

fn damaged(position: i64, reason: &str) -> Fault {
    Fault::damaged(format!("event {position}"), format!("its payload: {reason}"))
}

/// One by one, as in [`AT_FORWARD`](super::log).
const LONG: &str = "SELECT e.* FROM unnest($1::bigint[]) AS w(wanted) CROSS JOIN LATERAL (\
     SELECT position, content_type, payload, bytes FROM {schema}.events \
     WHERE position = w.wanted OFFSET 0) AS e";

/// How many bytes of long payloads are fetched by one statement; one payload always is.
const AT_ONCE: usize = 32 << 20;
