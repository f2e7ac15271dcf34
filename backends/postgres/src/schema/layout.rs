//! How the table of events is laid out.
//!
//! Invariant: a ledger is partitioned from its beginning or never, and what was recorded about that
//! when it was made counts, whatever a program asks for later.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use lucent_core::store::StoreError;

use crate::{
    connect::{Server, Session},
    fault::Fault,
    row::{from_sql, to_sql},
};

/// The layout of a ledger; it is known once the ledger was opened.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    partition_size: OnceLock<Option<u64>>,
    /// A position that the log has reached. Looking for its end from here on leaves old partitions
    /// alone.
    floor: AtomicU64,
}

impl Layout {
    /// How many positions a partition holds; nothing if there are no partitions.
    pub(crate) fn partition_size(&self) -> Option<u64> {
        self.partition_size.get().copied().flatten()
    }

    /// One of two statements: for a table that is whole, and for one in partitions.
    pub(crate) fn choose(&self, whole: &'static str, partitioned: &'static str) -> &'static str {
        if self.partition_size().is_some() { partitioned } else { whole }
    }

    /// A position that the log has reached.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Relaxed)
    }

    /// Notes where the log ends.
    pub(crate) fn saw(&self, head: u64) {
        self.floor.fetch_max(head, Ordering::Relaxed);
    }
}

/// Takes the layout that is recorded, unless the builder asks for another one.
pub(super) async fn adopt(session: &Session, server: &Server) -> Result<(), Fault> {
    let recorded = recorded(session, server).await?;
    let wanted = server.options.partition_size;
    if wanted.is_some() && wanted != recorded {
        let found = recorded.map_or_else(|| "none".to_owned(), |size| format!("ones of {size}"));
        return Err(Fault::Store(StoreError::Inaccessible {
            location: server.location.clone(),
            reason: format!(
                "its events are to be in partitions of {} positions, and it was made with {found}",
                wanted.unwrap_or_default()
            ),
            remedy: "leave `partitioned_by_positions` out to take it as it is, or make another \
                     ledger and append the events to that"
                .to_owned(),
        }));
    }
    let known = server.layout.partition_size.get_or_init(|| recorded);
    if *known != recorded {
        return Err(Fault::Store(StoreError::NotAStore {
            location: server.location.clone(),
            reason:
                "it was made anew, and its events are partitioned in another way: open it again"
                    .to_owned(),
        }));
    }
    if recorded.is_some() {
        refuse_missing_partitions(session).await?;
    }
    Ok(())
}

/// Makes sure that no partition with events is missing; gives the last position for which there is
/// one.
pub(crate) async fn refuse_missing_partitions(session: &Session) -> Result<u64, Fault> {
    complete(session.query_one(REACH, &[]).await?.try_get(0)?)
}

/// Makes the partitions up to a position; gives how far they reach.
pub(crate) async fn make_partitions(session: &Session, through: u64) -> Result<u64, Fault> {
    complete(session.query_one(MAKE, &[&to_sql(through)]).await?.try_get(0)?)
}

/// A log that lacks a part must not be taken for a shorter one.
fn complete(reach: Option<i64>) -> Result<u64, Fault> {
    reach.map(from_sql).ok_or_else(|| {
        Fault::damaged("the table `events`", "a partition of it is missing: attach it again")
    })
}

async fn recorded(session: &Session, server: &Server) -> Result<Option<u64>, Fault> {
    let read = server.schema.fill("SELECT partition_size FROM {schema}.ledger");
    let size: Option<i64> = session.client().query_one(&read, &[]).await?.get(0);
    Ok(size.map(from_sql))
}

const REACH: &str = "SELECT {schema}.partitions_reach()";

const MAKE: &str = "SELECT {schema}.make_partitions($1)";
