//! How a store is opened.

use std::{sync::Arc, time::Duration};

use lucent_core::store::StoreError;

use crate::{PostgresStore, SqlProjector, connect::Server, sql::Projectors, store};

/// Settings of a store; made by [`PostgresStore::builder`].
///
/// ```no_run
/// # async fn open() -> Result<(), lucent_core::store::StoreError> {
/// use lucent_postgres::PostgresStore;
/// let store = PostgresStore::builder("postgres://app@localhost/shop")
///     .ledger("billing")
///     .readers(8)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresBuilder {
    url: String,
    schema: String,
    ledger: Option<String>,
    projectors: Projectors,
    pub(crate) options: Options,
}

/// What the parts of a store want to know.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) relaxed: bool,
    pub(crate) readers: usize,
    pub(crate) patience: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) outcome_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) max_payload: usize,
    pub(crate) partition_size: Option<u64>,
}

impl Options {
    /// For how long an answer can take, locks included.
    pub(crate) fn longest_answer(&self) -> Duration {
        self.patience.saturating_add(self.answer_timeout)
    }
}

impl PostgresBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            schema: "lucent".to_owned(),
            ledger: None,
            projectors: Projectors::default(),
            options: Options {
                relaxed: false,
                readers: 4,
                patience: Duration::from_secs(10),
                answer_timeout: Duration::from_secs(30),
                outcome_timeout: Duration::from_secs(60),
                poll_interval: Duration::from_millis(250),
                max_payload: 16 << 20,
                partition_size: None,
            },
        }
    }

    /// Sets the schema that holds the tables. The default is `lucent`.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// Names a ledger: a log of its own, in a schema of its own, `<schema>_<ledger>`.
    ///
    /// Ledgers of one database share nothing but the server, so they append side by side. Without
    /// this, the ledger stands in the schema itself.
    pub fn ledger(mut self, name: impl Into<String>) -> Self {
        self.ledger = Some(name.into());
        self
    }

    /// Has a ledger that is being made keep its events in partitions of so many positions each, at
    /// least 100 and at most 2^40. Without this, the events are in one table.
    ///
    /// This is settled when the ledger is made, and recorded in it: who opens it later need not say it
    /// again, and is refused if he says something else. New partitions are made ahead of the log.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), lucent_core::store::StoreError> {
    /// use lucent_postgres::PostgresStore;
    /// let store = PostgresStore::builder("postgres://app@localhost/shop")
    ///     .partitioned_by_positions(10_000_000)
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub const fn partitioned_by_positions(mut self, positions: u64) -> Self {
        self.options.partition_size = Some(match positions {
            ..SMALLEST => SMALLEST,
            LARGEST.. => LARGEST,
            _ => positions,
        });
        self
    }

    /// Gives the store a projector that writes tables of its own; see [`SqlProjector`]. An application
    /// on this store runs it.
    pub fn projector(mut self, projector: impl SqlProjector) -> Self {
        self.projectors.add(Arc::new(projector));
        self
    }

    /// Sets how many connections read; 0 counts as 1. The default is 4.
    ///
    /// Each one serves many readers at a time. The store holds two more connections, one that
    /// writes and one that listens, and one for each [projector](Self::projector) at work.
    pub const fn readers(mut self, count: usize) -> Self {
        self.options.readers = if count == 0 { 1 } else { count };
        self
    }

    /// Sets for how long a lock, or a server that is away, is waited for. The default is 10 s.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.options.patience = patience;
        self
    }

    /// Sets for how long the server may be silent, beyond the time for which locks are waited for,
    /// before its connection counts as lost. The default is 30 s.
    pub const fn answer_timeout(mut self, limit: Duration) -> Self {
        self.options.answer_timeout = limit;
        self
    }

    /// Sets for how long the outcome of an append is looked for whose connection was lost while the
    /// server wrote, before it is reported as [`StoreError::OutcomeUnknown`]. The default is 60 s.
    pub const fn outcome_timeout(mut self, limit: Duration) -> Self {
        self.options.outcome_timeout = limit;
        self
    }

    /// Sets how often the log is looked at while somebody waits for events of other processes.
    /// The default is 250 ms; notifications come in between.
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.options.poll_interval = interval;
        self
    }

    /// Sets the longest payload in bytes. The default is 16 MiB; PostgreSQL takes less than 1 GiB.
    pub const fn max_payload(mut self, bytes: usize) -> Self {
        self.options.max_payload = if bytes > LONGEST { LONGEST } else { bytes };
        self
    }

    /// Gives up durability on loss of power for speed: `synchronous_commit = off`.
    ///
    /// The database stays consistent; the appends of the last moments before the server dies may
    /// be gone.
    pub const fn relaxed(mut self) -> Self {
        self.options.relaxed = true;
        self
    }

    /// Connects, and makes the tables or brings them up to date.
    ///
    /// Several processes may do so at once. Dropping the future leaves either the old tables or
    /// the new ones.
    ///
    /// # Errors
    /// [`StoreError::Inaccessible`] when the server refuses the user, has no such database,
    /// does not let the user make the tables, or the ledger is
    /// [partitioned](Self::partitioned_by_positions) in another way; [`StoreError::NotAStore`] when the schema holds
    /// something else, or the tables of a projector cannot be made; [`StoreError::NewerSchema`] when a newer Lucent wrote it;
    /// [`StoreError::Damaged`] when one of its partitions is missing;
    /// [`StoreError::Backend`], which is transient, when the server cannot be reached.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        let schema = match &self.ledger {
            Some(ledger) => format!("{}_{ledger}", self.schema),
            None => self.schema,
        };
        let server = Server::new(&self.url, &schema, self.options, self.projectors)?;
        store::open(Arc::new(server)).await
    }
}

/// PostgreSQL takes 1 GiB in a message; this leaves room for the rest of it.
const LONGEST: usize = 900 << 20;

/// A batch takes up to 1,024 appends, and must not fill too many partitions.
const SMALLEST: u64 = 100;

/// So that the bounds of partitions stay numbers for PostgreSQL.
const LARGEST: u64 = 1 << 40;
