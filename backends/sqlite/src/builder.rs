//! How a store is opened.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use lucent_core::store::StoreError;

use crate::{SqliteStore, open::Options};

/// Settings of a store; made by [`SqliteStore::builder`].
///
/// ```no_run
/// # async fn open() -> Result<(), lucent_core::store::StoreError> {
/// use lucent_sqlite::SqliteStore;
/// let store = SqliteStore::builder().readers(4).open("bank.db").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteBuilder {
    relaxed: bool,
    busy_timeout: Duration,
    max_bytes: Option<u64>,
    readers: usize,
    max_payload: usize,
}

impl SqliteBuilder {
    pub(crate) const fn new() -> Self {
        Self {
            relaxed: false,
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            readers: 4,
            max_payload: 64 << 20,
        }
    }

    /// Gives up durability on loss of power for speed: `synchronous = NORMAL`.
    ///
    /// The file stays consistent, and nothing is lost when only the process dies; the appends of
    /// the last moments before a power loss may be gone.
    pub const fn relaxed(mut self) -> Self {
        self.relaxed = true;
        self
    }

    /// Sets how many threads read; 0 counts as 1. The default is 4.
    pub const fn readers(mut self, count: usize) -> Self {
        self.readers = if count == 0 { 1 } else { count };
        self
    }

    /// Sets the longest payload in bytes. The default is 64 MiB; SQLite takes no more than 1 GB.
    pub const fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = if bytes > LONGEST { LONGEST } else { bytes };
        self
    }

    /// Sets how long a write waits for another process's lock before it fails as
    /// [`StoreError::Busy`]. The default is 5 seconds.
    pub const fn busy_timeout(mut self, patience: Duration) -> Self {
        self.busy_timeout = patience;
        self
    }

    /// Limits the size of the database file; appends beyond it fail as [`StoreError::Full`].
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Opens the store in this file, which is created if it does not exist.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`] if the file is something else; [`StoreError::NewerSchema`] if a
    /// newer version wrote it; [`StoreError::Inaccessible`] if its folder is missing, or if this
    /// program may not read and write it. In these cases the file was not touched.
    ///
    /// # Cancel safety
    /// A store whose opening is given up is closed again.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let options = Options {
            path: PathBuf::from(path.as_ref()),
            relaxed: self.relaxed,
            busy_timeout: self.busy_timeout,
            max_bytes: self.max_bytes,
        };
        SqliteStore::start(options, self.readers, self.max_payload).await
    }
}

/// SQLite's own limit, with room for the rest of the row.
const LONGEST: usize = 999_000_000;
