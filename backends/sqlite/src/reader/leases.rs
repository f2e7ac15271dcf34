//! Leases that are held.
//!
//! Invariant: a lease whose time is over counts as free, whoever stands in its row.

use std::{sync::Arc, time::Duration};

use lucent_core::{
    Timestamp,
    store::{Fence, HeldLease},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{fault::Fault, row::from_sql};

/// A row of the table of leases.
pub(crate) struct StoredLease {
    pub(crate) token: u64,
    pub(crate) holder: Option<Arc<str>>,
    expires: i64,
}

impl StoredLease {
    /// The lease as it is held at this time.
    pub(crate) fn held(&self, name: Arc<str>, now: Timestamp) -> Option<HeldLease> {
        let left = self.expires.saturating_sub(now.as_micros());
        let holder = self.holder.clone().filter(|_| left > 0)?;
        let fence = Fence { lease: name, token: self.token };
        Some(HeldLease { fence, holder, remaining: Duration::from_micros(left.unsigned_abs()) })
    }
}

/// The lease of this name, if there ever was one.
pub(crate) fn lease(conn: &Connection, name: &str) -> Result<Option<StoredLease>, Fault> {
    let found = conn
        .prepare_cached("SELECT token, holder, expires FROM leases WHERE name = ?1")?
        .query_row([name], |row| {
            let (token, holder, expires) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(StoredLease { token: from_sql(token), holder, expires })
        });
    Ok(found.optional()?)
}

/// The leases that are held now and whose names start with this.
pub(crate) fn held_leases(conn: &Connection, prefix: &str) -> Result<Vec<HeldLease>, Fault> {
    let now = Timestamp::now();
    let mut statement = conn.prepare_cached(
        "SELECT name, token, holder, expires FROM leases \
         WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name",
    )?;
    let mut rows = statement.query(params![prefix])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let token: i64 = row.get(1)?;
        let stored =
            StoredLease { token: from_sql(token), holder: row.get(2)?, expires: row.get(3)? };
        held.extend(stored.held(row.get(0)?, now));
    }
    Ok(held)
}
