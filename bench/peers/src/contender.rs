//! What every contender does, each in its own documented way.
//!
//! Invariant: a call returns once its effect is acknowledged as the contender acknowledges it, and a
//! contender that lacks a feature says so instead of imitating it.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use uuid::Uuid;

/// An event store that is measured.
#[async_trait]
pub trait Contender: Send + Sync {
    /// Whether a deposit is decided on what was loaded; a bare limit only appends.
    fn decides(&self) -> bool {
        true
    }

    /// Opens a new account: one event.
    async fn open_account(&self) -> Result<Account, Fault>;

    /// Loads the account, decides a deposit and appends one event.
    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault>;

    /// Fills the store with accounts of this many events each, the accounts in turn.
    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault>;

    /// Reads an account from the store, past every cache; gives the number of its deposits.
    async fn load(&self, account: &Account) -> Result<u64, Fault>;

    /// Appends one event on condition that no event has its tag, which is new each time.
    async fn append_tagged(&self) -> Result<(), Fault> {
        Err(Fault::Absent("no append conditions on tags"))
    }

    /// Starts to build a read model of balances in the database, from the first event on.
    async fn project(&self, purpose: Purpose) -> Result<Box<dyn Projecting>, Fault>;

    /// Ends everything that was started.
    async fn close(&self) {}
}

/// A projection at work.
#[async_trait]
pub trait Projecting: Send + Sync {
    /// Returns once what was seen is in the read model too.
    async fn settle(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Stops it.
    async fn stop(self: Box<Self>);
}

/// Why a projection is started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// To read what is there already, as fast as it can.
    CatchUp,
    /// To follow what comes.
    Follow,
}

/// An account; its names in the manners of the contenders.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Its id, as contenders with textual ids know it.
    pub text: String,
    /// The version, for those who have to keep it themselves.
    version: AtomicI64,
}

impl Account {
    /// An account of a new id.
    pub fn fresh() -> Self {
        Self::of(Uuid::now_v7(), 0)
    }

    /// An account with events.
    pub fn of(id: Uuid, version: i64) -> Self {
        Self { id, text: id.to_string(), version: AtomicI64::new(version) }
    }

    /// An account whose id the contender has chosen.
    #[cfg(feature = "frameworks")]
    pub fn named(text: String) -> Self {
        Self { id: Uuid::nil(), text, version: AtomicI64::new(1) }
    }

    /// The version that the next event gets.
    pub fn next_version(&self) -> i64 {
        self.version.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A call without effect.
#[derive(Debug)]
pub enum Fault {
    /// Somebody else was faster; the same call may succeed at once.
    Conflict,
    /// The contender has no such thing.
    Absent(&'static str),
    /// The contender failed.
    Broken(anyhow::Error),
}

impl Fault {
    /// A failure in words.
    pub fn broken(text: impl fmt::Display) -> Self {
        Self::Broken(anyhow::anyhow!("{text}"))
    }

    /// The same once more, for another workload.
    pub fn again(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Absent(reason) => Self::Absent(reason),
            Self::Broken(error) => Self::broken(format!("{error:#}")),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("a conflict"),
            Self::Absent(reason) => f.write_str(reason),
            Self::Broken(error) => write!(f, "{error:#}"),
        }
    }
}
