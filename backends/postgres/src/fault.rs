//! Turns what PostgreSQL says into the errors of the contract.
//!
//! Invariant: errors are told apart by their SQLSTATE, never by their texts, and each one whose
//! cause is known says what to do about it.

use std::{error::Error, fmt, io, time::Duration};

use lucent_core::store::StoreError;
use tokio_postgres::error::SqlState;

use crate::pooler::pooled;

/// An error inside the store, before it is known what was being done.
#[derive(Debug)]
pub(crate) enum Fault {
    Postgres(tokio_postgres::Error),
    /// The server has not said a word for this long.
    Silent(Duration),
    Store(StoreError),
}

impl Fault {
    /// Why there is no connection. What the string asks for and the server cannot do, such as to
    /// prove who it is, does not change by itself.
    pub(crate) fn connecting(error: tokio_postgres::Error, location: &str) -> Self {
        let cause = source::<io::Error>(&error);
        let refused = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData);
        if error.code().is_some() || error.is_closed() || (cause.is_some() && !refused) {
            return Self::Postgres(error);
        }
        let reason = match (cause, error.source()) {
            (Some(cause), _) => format!("{error}: {cause}"),
            (None, Some(cause)) => format!("{error}: {cause}"),
            (None, None) => error.to_string(),
        };
        let remedy = match refused {
            true => {
                "see that `sslrootcert` holds the authority that signed the server's certificate, \
                 and that the certificate is for this host"
            }
            false => "see that the server can do what the connection string asks for",
        };
        let (location, remedy) = (location.to_owned(), remedy.to_owned());
        Self::Store(StoreError::Inaccessible { location, reason, remedy })
    }

    /// Stored data that contradicts itself.
    pub(crate) fn damaged(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Store(StoreError::Damaged { location: location.into(), reason: reason.into() })
    }

    /// Whether the connection is gone, or the server is about to close it.
    pub(crate) fn lost_connection(&self) -> bool {
        let error = match self {
            Self::Postgres(error) => error,
            Self::Silent(_) => return true,
            Self::Store(_) => return false,
        };
        match error.code() {
            Some(code) => {
                code.code().starts_with("08")
                    || [
                        &SqlState::ADMIN_SHUTDOWN,
                        &SqlState::CRASH_SHUTDOWN,
                        &SqlState::CANNOT_CONNECT_NOW,
                        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    ]
                    .contains(&code)
            }
            None => error.is_closed() || source::<io::Error>(error).is_some(),
        }
    }

    /// Whether the server may take the same request after a while without anybody's help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Silent(_) => true,
            Self::Postgres(error) => {
                self.lost_connection()
                    || error.code().is_some_and(|code| {
                        code.code().starts_with("40")
                            || code.code().starts_with("55")
                            || code.code().starts_with("53")
                            || *code == SqlState::QUERY_CANCELED
                    })
            }
        }
    }

    /// Whether a single request may be to blame, so that its neighbors deserve another try.
    pub(crate) fn may_be_one_requests(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Silent(_) => false,
            Self::Postgres(error) => error.code().is_some_and(|code| {
                let class = &code.code()[..2];
                ["22", "23", "54"].contains(&class) || *code == SqlState::OUT_OF_MEMORY
            }),
        }
    }

    /// Whether the server says this.
    pub(crate) fn is_of(&self, code: &SqlState) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(code))
    }

    /// Whether a row stands already where one was to be inserted.
    pub(crate) fn is_taken(&self) -> bool {
        self.is_of(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether the transaction was undone because of other transactions, so that the same one may
    /// succeed at once.
    pub(crate) fn is_undone_by_others(&self) -> bool {
        matches!(self, Self::Postgres(error)
            if error.code().is_some_and(|code| code.code().starts_with("40")))
    }

    /// Whether this session cannot write any more, though another one may.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Postgres(error)
            if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
    }

    /// Whether the tables or functions of the ledger are missing.
    pub(crate) fn is_missing_object(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code().is_some_and(|code| {
            [
                &SqlState::UNDEFINED_TABLE,
                &SqlState::UNDEFINED_FUNCTION,
                &SqlState::UNDEFINED_COLUMN,
                &SqlState::INVALID_SCHEMA_NAME,
            ]
            .contains(&code)
        }))
    }

    /// What is wrong, in words.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Postgres(error) => said(error),
            Self::Silent(limit) => format!("the server has not answered for {limit:?}"),
            Self::Store(error) => error.to_string(),
        }
    }

    /// The error of the contract; `location` is the server and the ledger, without a password.
    pub(crate) fn into_store(self, action: &'static str, location: &str) -> StoreError {
        let transient = self.is_transient();
        let missing = self.is_missing_object();
        let error = match self {
            Self::Store(error) => return error,
            Self::Silent(limit) => {
                let said = format!("the server has not answered for {limit:?}");
                let remedy = "see that it runs, and that the network passes everything on";
                let location = location.to_owned();
                return StoreError::backend(action, ServerFault { location, said, remedy }, true);
            }
            Self::Postgres(error) => error,
        };
        let Some(code) = error.code() else {
            return unreachable_server(action, location, &error, transient);
        };
        if *code == SqlState::DISK_FULL {
            return StoreError::Full { location: location.to_owned() };
        }
        if missing {
            return StoreError::NotAStore {
                location: location.to_owned(),
                reason: format!("{}; open it again to have its tables made", said(&error)),
            };
        }
        if LOST_STATEMENTS.contains(code) {
            return pooled(location);
        }
        if let Some(reason) = busy(code) {
            return StoreError::Busy { reason: format!("{reason} ({})", said(&error)) };
        }
        let (location, said) = (location.to_owned(), said(&error));
        match inaccessible(code) {
            Some(remedy) => {
                let reason = format!("cannot {action}: {said}");
                StoreError::Inaccessible { location, reason, remedy: remedy.to_owned() }
            }
            None => {
                StoreError::backend(action, ServerFault { location, said, remedy: "" }, transient)
            }
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the server said, where, and what helps.
#[derive(Debug)]
struct ServerFault {
    location: String,
    said: String,
    remedy: &'static str,
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.said)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl Error for ServerFault {}

/// The server's message with its details, without its rank.
fn said(error: &tokio_postgres::Error) -> String {
    let Some(error) = error.as_db_error() else {
        return error.to_string();
    };
    let mut text = error.message().to_owned();
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        text.push_str(", ");
        text.push_str(more.trim_end_matches('.'));
    }
    text.push_str(" [SQLSTATE ");
    text.push_str(error.code().code());
    text.push(']');
    text
}

fn unreachable_server(
    action: &'static str,
    location: &str,
    error: &tokio_postgres::Error,
    transient: bool,
) -> StoreError {
    let mut said = error.to_string();
    if let Some(cause) = source::<io::Error>(error)
        && !said.contains(&cause.to_string())
    {
        said = format!("{said}: {cause}");
    }
    let remedy = match transient {
        true => "see that the server runs and that the address is right",
        false => "",
    };
    StoreError::backend(
        action,
        ServerFault { location: location.to_owned(), said, remedy },
        transient,
    )
}

/// What a busy server waits for.
fn busy(code: &SqlState) -> Option<&'static str> {
    [
        (SqlState::LOCK_NOT_AVAILABLE, "another writer holds the ledger's lock"),
        (SqlState::QUERY_CANCELED, "the server canceled the statement, which took too long"),
        (
            SqlState::TOO_MANY_CONNECTIONS,
            "the server has no connection left: raise `max_connections` or lower `readers`",
        ),
        (SqlState::CANNOT_CONNECT_NOW, "the server is starting up or shutting down"),
        (SqlState::T_R_SERIALIZATION_FAILURE, "another transaction was faster"),
        (SqlState::T_R_DEADLOCK_DETECTED, "the transaction met another one that waits for it"),
        (SqlState::OUT_OF_MEMORY, "the server is out of memory"),
        (SqlState::INSUFFICIENT_RESOURCES, "the server is out of resources"),
    ]
    .into_iter()
    .find_map(|(known, reason)| (known == *code).then_some(reason))
}

/// What helps, if the server does not let this program do what it tried.
fn inaccessible(code: &SqlState) -> Option<&'static str> {
    [
        (SqlState::INVALID_PASSWORD, "check the user and the password in the connection string"),
        (SqlState::INVALID_AUTHORIZATION_SPECIFICATION, "check the user in the connection string and the server's pg_hba.conf"),
        (SqlState::UNDEFINED_DATABASE, "make the database first, with `createdb` or `CREATE DATABASE`"),
        (SqlState::INSUFFICIENT_PRIVILEGE, "grant the user CREATE on the database, or have somebody else make the schema and make the user its owner"),
        (SqlState::READ_ONLY_SQL_TRANSACTION, "this server takes no writes, as replicas do: connect to the primary, for example with several hosts and `target_session_attrs=read-write` in the connection string"),
    ]
    .into_iter()
    .find_map(|(known, remedy)| (known == *code).then_some(remedy))
}

/// A session forgets no statement, and no other session has made its statements.
const LOST_STATEMENTS: [SqlState; 2] =
    [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT];

fn source<T: Error + 'static>(error: &tokio_postgres::Error) -> Option<&T> {
    let mut source = error.source();
    while let Some(found) = source {
        if let Some(found) = found.downcast_ref::<T>() {
            return Some(found);
        }
        source = found.source();
    }
    None
}
