//! Moves pages from the write-ahead log into the database, off the writer's thread.
//!
//! Invariant: the log cannot grow without bound under constant load. A background pass copies most
//! of it while the writer goes on; a short pass on the writer's own thread copies the rest, after
//! which SQLite starts the log anew.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, wal::CheckpointMode};

use crate::fault::Fault;

/// When pages are to be moved, and how many wait.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// Pages in the log after the newest commit.
    pages: AtomicU32,
    /// Whether a background pass has left only a rest.
    finish: AtomicBool,
    due: Mutex<Due>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Due {
    due: bool,
    closed: bool,
}

/// What the writer remembers between commits.
#[derive(Debug)]
pub(crate) struct Thresholds {
    soft: u32,
    hard: u32,
    last: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { soft: SOFT_PAGES, hard: HARD_PAGES, last: 0 }
    }
}

impl Checkpoints {
    /// Reports the length of the log; SQLite's hook calls it after each commit.
    pub(crate) fn committed(&self, pages: u32) {
        self.pages.store(pages, Ordering::Relaxed);
    }

    /// Ends the background thread.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Called by the writer between two commits; returns at once unless the log is far too long.
    pub(crate) fn after_commit(
        &self,
        conn: &Connection,
        thresholds: &mut Thresholds,
    ) -> Result<(), Fault> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < thresholds.last {
            // SQLite started the log anew.
            *thresholds = Thresholds::default();
        }
        thresholds.last = pages;
        if pages >= thresholds.hard {
            // Readers that never stop overlapping keep SQLite from starting the log anew; wait for
            // the present ones. A reader that stays longer costs this wait once per HARD_PAGES.
            thresholds.hard = pages.saturating_add(HARD_PAGES);
            conn.busy_timeout(Duration::from_millis(250))?;
            let restarted = checkpoint(conn, CheckpointMode::RESTART);
            conn.busy_timeout(Duration::ZERO)?;
            restarted?;
        } else if self.finish.swap(false, Ordering::Relaxed) {
            checkpoint(conn, CheckpointMode::PASSIVE)?;
        } else if pages >= thresholds.soft {
            thresholds.soft = pages.saturating_add(SOFT_PAGES);
            self.lock().due = true;
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Runs background passes until the store is closed.
    pub(crate) fn run(&self, conn: &Connection) {
        let mut due = self.lock();
        while !due.closed {
            if !due.due {
                due = self.wake.wait(due).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            due.due = false;
            drop(due);
            match checkpoint(conn, CheckpointMode::PASSIVE) {
                Ok(()) => self.finish.store(true, Ordering::Relaxed),
                Err(fault) => tracing::warn!(?fault, "cannot move the write-ahead log; will retry"),
            }
            due = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves what can be moved; somebody else at work is not an error.
pub(crate) fn checkpoint(conn: &Connection, mode: CheckpointMode) -> Result<(), Fault> {
    match conn.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), mode) {
        Ok(_) => Ok(()),
        Err(error) => match Fault::from(error) {
            fault if fault.is_busy() => Ok(()),
            fault => Err(fault),
        },
    }
}

/// A background pass starts when the log has grown by 16 MiB.
const SOFT_PAGES: u32 = 4_096;

/// The writer itself waits for readers when the log has grown by 128 MiB.
const HARD_PAGES: u32 = 32_768;
