//! Everything that only reads, on connections of its own.
//!
//! Invariant: a read is a few statements without a transaction; it may be repeated, so a lost
//! connection is replaced behind the caller's back.

mod condition;
mod documents;
mod log;
mod page;
mod parked;
mod pool;
mod snapshot;
mod stream;
mod whole;

pub(crate) use condition::{Checked, first_match};
pub(crate) use documents::{active_version, checkpoint, document_page, documents};
pub(crate) use log::{HEAD, HEAD_FROM, read_head, read_log};
pub(crate) use parked::{key_columns, parked, parked_events, stored_versions};
pub(crate) use pool::{Backoff, Readers};
pub(crate) use snapshot::{load_snapshot, save_snapshot};
pub(crate) use stream::{read_stream, stream_version};
