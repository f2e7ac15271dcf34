//! The embedded event store of Lucent: events, snapshots and read models in one SQLite file.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lucent_core::{
//!     StreamId, Version,
//!     store::{Append, EventStore as _, ExpectedVersion, StreamRead},
//! };
//! use lucent_sqlite::SqliteStore;
//!
//! let store = SqliteStore::open("bank.db").await?;
//! let stream = StreamId::new("account-42")?;
//! let page = store.read_stream(StreamRead::forward(stream.clone())).await?;
//! let append = Append::one(stream, ExpectedVersion::Exact(page.version), vec![]);
//! store.append(append).await?;
//! store.close().await;
//! # Ok(()) }
//! ```
//!
//! # Durability
//!
//! The file has a write-ahead log and `synchronous = FULL`: when an append returns, its events have
//! been flushed to the disk and survive a loss of power. One thread writes; it takes whatever has
//! queued up and commits it together, so many callers share one flush, and a lone caller does not
//! wait for others. Each append of such a group is judged on its own, and one that is refused does
//! not disturb its neighbors. [`SqliteBuilder::relaxed`] gives the flush up: the process may still
//! die at any time without a loss, the machine may not.
//!
//! When a commit fails, everything in it is undone and every request of it gets the error. After an
//! I/O error the file is opened again and a marker is committed before anything else, so that no
//! remains of the failed commit can be taken for events later.
//!
//! # Several processes
//!
//! Any number of processes on one machine may open a file. Writers take turns, each one notices
//! what the others wrote before it judges an append, and positions stay consecutive. A writer that
//! does not get its turn within [`SqliteBuilder::busy_timeout`] fails as
//! [`Busy`](lucent_core::store::StoreError::Busy). A reader that waits for new events looks for
//! those of other processes every 20 milliseconds. Network file systems do not work: SQLite's log
//! needs memory that the processes share. Leases end by the machine's clock: setting it moves their
//! ends, which costs work done twice and never a wrong checkpoint.
//!
//! # The file
//!
//! The file carries the application id `0x4c636e74` ("Lcnt") and its schema version in
//! `user_version`. A file without the mark, or of a newer version, is refused and not written to.
//! Positions count from 1 without gaps. JSON is stored as text, so that plain SQL reads it:
//!
//! ```text
//! $ sqlite3 -readonly bank.db
//! sqlite> SELECT position, stream, event_type, data FROM events_readable;
//! sqlite> SELECT data ->> 'owner' FROM events WHERE event_type = 'AccountOpened';
//! sqlite> SELECT key, body FROM documents_readable WHERE projection = 'accounts';
//! ```
//!
//! | table or view | holds |
//! |---|---|
//! | `events`, `events_readable` | the log; the view prints UUIDs and times as text |
//! | `event_tags` | the tags, searchable |
//! | `commands` | the outcome of each append that carried a command id |
//! | `snapshots` | the newest state per aggregate; safe to empty |
//! | `projections`, `documents`, `documents_readable` | checkpoints and read models |
//! | `leases` | which process may do what, until when |
//! | `lucent_meta` | when the file was made, and how often it was repaired |
//!
//! Beside the file stand `-wal` and `-shm` while it is open. Copy a store that is in use with
//! `sqlite3 bank.db ".backup copy.db"`, not with a plain copy of the file.
//!
//! # Limits
//!
//! - Payloads have up to 64 MiB, or what [`SqliteBuilder::max_payload`] says, below 1 GB.
//! - The log is searched by position, stream and tag. A filter by type or category reads every
//!   event of the range, some millions per second; a condition that names types without tags does
//!   so from its position on, while others wait to write.
//! - A transaction of another program that stays open keeps the write-ahead log from shrinking.
//! - Outcomes of commands are kept for ever. Old rows of `commands` may be deleted by hand; those
//!   commands then count as new ones.
//! - Dropping a projection removes its documents in one transaction.
//!
//! # Invariants
//!
//! One commit per batch and one outcome per request; an error means that nothing was written; the
//! store's threads end before [`SqliteStore::close`] returns.

mod builder;
mod checkpoint;
mod contract;
mod fault;
mod heads;
mod intern;
mod leases;
mod open;
mod reader;
mod row;
mod spawn;
mod store;
mod writer;

pub use builder::SqliteBuilder;
pub use store::{SqliteStore, open};
