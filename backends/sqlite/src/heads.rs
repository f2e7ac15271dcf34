//! Tells waiting readers that the log has grown, whoever appended.
//!
//! Invariant: no wake-up is lost. This store's writer reports each commit; commits of other
//! processes are found by looking at the file every few milliseconds while somebody waits.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lucent_core::{Position, store::StoreError};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::{fault::Fault, row::from_sql};

/// The newest known head of the log, and who waits for a newer one.
#[derive(Debug)]
pub(crate) struct Heads {
    seen: watch::Sender<Seen>,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Debug)]
struct Seen {
    head: u64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    parked: bool,
    closed: bool,
}

impl Heads {
    pub(crate) fn new(head: u64) -> Self {
        Self {
            seen: watch::Sender::new(Seen { head, closed: false }),
            waiting: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// Reports a head that readers can see.
    pub(crate) fn saw(&self, head: u64) {
        self.seen.send_if_modified(|seen| {
            let newer = head > seen.head;
            if newer {
                seen.head = head;
            }
            newer
        });
    }

    /// Ends every wait and the watching thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
        self.seen.send_modify(|seen| seen.closed = true);
    }

    /// Waits for a head past this position. Cancel safe.
    pub(crate) async fn wait_past(&self, position: Position) -> Result<Position, StoreError> {
        let mut seen = self.seen.subscribe();
        let mut registered = None;
        loop {
            {
                let now = seen.borrow_and_update();
                if now.closed {
                    return Err(closed());
                }
                if now.head > position.get() {
                    return Ok(Position::new(now.head));
                }
            }
            registered.get_or_insert_with(|| Registered::new(self));
            if seen.changed().await.is_err() {
                return Err(closed());
            }
        }
    }

    /// Looks for commits of other processes while somebody waits; ends when the store is closed.
    pub(crate) fn watch(&self, conn: &Connection) {
        let mut version = None;
        let mut idle_since = Instant::now();
        let mut waiting = self.lock();
        while !waiting.closed {
            if waiting.count > 0 {
                idle_since = Instant::now();
                drop(waiting);
                match look(conn, &mut version) {
                    Ok(Some(head)) => self.saw(head),
                    Ok(None) => {}
                    Err(fault) => tracing::warn!(?fault, "cannot look for new events; will retry"),
                }
                waiting = self.lock();
            }
            if waiting.closed {
                break;
            }
            if waiting.count == 0 && idle_since.elapsed() > LINGER {
                waiting.parked = true;
                waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                waiting.parked = false;
            } else {
                waiting = self
                    .wake
                    .wait_timeout(waiting, LOOK_EVERY)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one waiter for as long as it waits, also when its future is dropped.
struct Registered<'a>(&'a Heads);

impl<'a> Registered<'a> {
    fn new(heads: &'a Heads) -> Self {
        let mut waiting = heads.lock();
        waiting.count += 1;
        if waiting.parked {
            heads.wake.notify_one();
        }
        Self(heads)
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.lock().count -= 1;
    }
}

/// The position of the newest event.
pub(crate) fn read_head(conn: &Connection) -> Result<u64, Fault> {
    let head: Option<i64> =
        conn.prepare_cached("SELECT max(position) FROM events")?.query_row([], |row| row.get(0))?;
    Ok(head.map_or(0, from_sql))
}

/// A number that changes when another connection commits.
pub(crate) fn data_version(conn: &Connection) -> Result<i64, Fault> {
    Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

/// The error of a store that was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Closed { reason: "it was shut down: open it again".to_owned() }
}

fn look(conn: &Connection, version: &mut Option<i64>) -> Result<Option<u64>, Fault> {
    let found = data_version(conn)?;
    if *version == Some(found) {
        return Ok(None);
    }
    let head = read_head(conn)?;
    *version = Some(found);
    Ok(Some(head))
}

/// How often the file is looked at while somebody waits.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// For how long the thread goes on looking after the last waiter left, so that a subscription that
/// waits again and again does not wake it each time.
const LINGER: Duration = Duration::from_secs(1);
