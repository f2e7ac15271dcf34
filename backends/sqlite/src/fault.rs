//! Turns what SQLite says into the errors of the contract.
//!
//! Invariant: errors are told apart by SQLite's codes, never by its texts.

use std::path::Path;

use lucent_core::store::StoreError;
use rusqlite::{ErrorCode, ffi};

/// An error inside the store, before it is known what was being done.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl Fault {
    /// Stored data that contradicts itself.
    pub(crate) fn damaged(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Store(StoreError::Damaged { location: location.into(), reason: reason.into() })
    }

    /// Whether somebody else holds the lock.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether a single request may be to blame, so that its neighbors deserve another try.
    pub(crate) fn may_be_one_requests(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Sqlite(_) => matches!(
                self.code(),
                None | Some(
                    ErrorCode::ConstraintViolation
                        | ErrorCode::DiskFull
                        | ErrorCode::OutOfMemory
                        | ErrorCode::TooBig
                        | ErrorCode::TypeMismatch
                        | ErrorCode::Unknown
                )
            ),
        }
    }

    /// Whether what the connection remembers of the file can no longer be trusted.
    pub(crate) fn breaks_the_connection(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::CannotOpen
                    | ErrorCode::ApiMisuse
                    | ErrorCode::InternalMalfunction
            )
        )
    }

    /// The error of the contract.
    pub(crate) fn into_store(self, action: &'static str, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => sqlite_error(action, path, error),
        }
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Store(_) => None,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn sqlite_error(action: &'static str, path: &Path, error: rusqlite::Error) -> StoreError {
    let location = || path.display().to_string();
    let extended = error.sqlite_error().map_or(0, |code| code.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { location: location() },
        // The index of the WAL could not grow, which takes a full disk.
        _ if extended == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full { location: location() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Busy { reason: format!("{} is locked by another writer", path.display()) }
        }
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore {
            location: location(),
            reason: "it is not an SQLite database".to_owned(),
        },
        Some(ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { location: location(), reason: error.to_string() }
        }
        Some(ErrorCode::ReadOnly) => read_only(path),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Inaccessible {
            location: location(),
            reason: error.to_string(),
            remedy: "see that its folder exists, and that this program may write in it".to_owned(),
        },
        Some(ErrorCode::OutOfMemory) => StoreError::backend(action, error, true),
        _ => StoreError::backend(action, error, false),
    }
}

/// The error of a file, or a folder, that this program may not write.
pub(crate) fn read_only(path: &Path) -> StoreError {
    StoreError::Inaccessible {
        location: path.display().to_string(),
        reason: "it is read-only".to_owned(),
        remedy: "give this program the right to write the file and its folder".to_owned(),
    }
}
