//! What an event store does.
//!
//! The promises are those of the book's chapter on guarantees; `lucent_testkit::conformance!`
//! checks them.

use async_trait::async_trait;

use crate::{
    event::CommandId,
    position::{Position, Version},
    store::{
        Append, AppendError, Appended, LeaseStore, LogPage, LogRead, ReadModelStore, SnapshotStore,
        StoreError, StreamFolder, StreamPage, StreamRead, fold::fold_pages,
    },
    stream::StreamId,
};

/// A log of events, divided into streams.
///
/// # Guarantees
/// - An append is atomic; an error means that nothing was written, and the one exception says so:
///   [`StoreError::OutcomeUnknown`].
/// - Positions grow in the order in which events become visible: who reads after the last position
///   that it saw misses nothing, whatever other writers do.
/// - An acknowledged append survives the loss of power, unless the store was opened relaxed.
/// - A repeated command id has no effect and gives the first outcome; of several commands that share
///   an append, each has an outcome of its own.
///
/// # Cancel safety
/// Dropping a future of [`EventStore::append`] leaves either all or nothing written; the other
/// methods only read.
#[async_trait]
pub trait EventStore: std::fmt::Debug + Send + Sync + 'static {
    /// Appends a batch.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing was written then, unless [`AppendError::is_outcome_unknown`].
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The outcome of the append with this command id, if there was one.
    ///
    /// # Errors
    /// When the store fails.
    async fn command_outcome(&self, command: CommandId) -> Result<Option<Appended>, StoreError>;

    /// Reads a page of one stream. A stream that does not exist is empty.
    ///
    /// # Errors
    /// When the store fails.
    async fn read_stream(&self, read: StreamRead) -> Result<StreamPage, StoreError>;

    /// Passes the events of a stream after a version to `folder`, and gives the stream's version as
    /// it was when the last of them was read. A stream that does not exist has no events.
    ///
    /// A store that can do so runs `folder` where it reads. Otherwise this is a loop over
    /// [`Self::read_stream`], and nobody has to write it. Dropping the future does not stop a fold
    /// at once; who wants that lets `folder` break.
    ///
    /// # Errors
    /// When the store fails; `folder` has taken the events before that.
    async fn fold_stream(
        &self,
        stream: &StreamId,
        after: Version,
        folder: StreamFolder,
    ) -> Result<Version, StoreError> {
        fold_pages(self, stream, after, folder).await
    }

    /// Reads a page of the log.
    ///
    /// # Errors
    /// When the store fails.
    async fn read_log(&self, read: LogRead) -> Result<LogPage, StoreError>;

    /// The version of a stream; zero if it does not exist.
    ///
    /// # Errors
    /// When the store fails.
    async fn stream_version(&self, stream: &StreamId) -> Result<Version, StoreError>;

    /// The position of the newest event; zero if there is none.
    ///
    /// # Errors
    /// When the store fails.
    async fn head(&self) -> Result<Position, StoreError>;

    /// Waits until the log is longer than this, and gives its head. Appends of other processes
    /// count too. Cancel safe.
    ///
    /// # Errors
    /// When the store fails or is closed.
    async fn wait_past(&self, position: Position) -> Result<Position, StoreError>;
}

/// A store that an application can run on alone: events, snapshots, read models and leases.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a whole application",
    note = "an application's store keeps events, snapshots, read models and leases"
)]
pub trait Store: EventStore + SnapshotStore + ReadModelStore + LeaseStore {}

impl<S: EventStore + SnapshotStore + ReadModelStore + LeaseStore> Store for S {}
