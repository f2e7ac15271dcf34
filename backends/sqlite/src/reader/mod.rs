//! Everything that reads, on connections that cannot write.
//!
//! Invariant: each request sees one state of the file, and read transactions are short, so that
//! they do not hold up the write-ahead log.

mod command;
mod documents;
mod fold;
mod leases;
mod log;
mod parked;
mod pool;
mod snapshot;
mod stream;

pub(crate) use command::command_outcome;
pub(crate) use documents::{
    active_version, checkpoint, document, document_page, documents, find as find_projection,
};
pub(crate) use fold::fold_turn;
pub(crate) use leases::{held_leases, lease};
pub(crate) use log::{json_array, rarest_tag, read_after, read_log};
pub(crate) use parked::{key_columns, parked, parked_events, stored_versions};
pub(crate) use pool::Pool;
pub(crate) use snapshot::load_snapshot;
pub(crate) use stream::{read_stream, stream_version};
