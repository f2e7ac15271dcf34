//! Leases: who may do something for a while, so that several nodes share work.
//!
//! Invariant: at any moment a lease has at most one current [`Fence`]. Time alone never makes a
//! second one: a holder that sleeps through the end of its lease is refused by the fence, not by a
//! clock.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::store::StoreError;

/// The proof that a lease was held: its name, and a number that grows whenever it changes hands.
///
/// A [`ProjectionCommit`](super::ProjectionCommit) that carries one is refused once the lease has
/// gone to somebody else.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fence {
    /// The name of the lease.
    pub lease: Arc<str>,
    /// The fencing token: greater than that of every holder before.
    pub token: u64,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (token {})", self.lease, self.token)
    }
}

/// A lease that is held by somebody and has not expired.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldLease {
    /// Its name and token.
    pub fence: Fence,
    /// Who holds it.
    pub holder: Arc<str>,
    /// How long it lasts unless it is renewed, by the store's clock.
    pub remaining: Duration,
}

/// What came of asking for a lease.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LeaseOutcome {
    /// It is the asker's.
    Granted(Fence),
    /// Somebody else holds it.
    Held(HeldLease),
}

/// A store of leases. A name has at most one holder at a time; names that were never leased are
/// free.
///
/// # Guarantees
/// - Whether a lease has expired is judged by one clock: the server's in a database server, the
///   machine's in a file, a monotonic one in memory.
/// - The token of a name grows with each change of holder, and at each grant after a release.
/// - A holder is a running program under a name that no other one has had. Asking again for what it
///   holds gives the same fence, so an answer that was lost can be asked for again.
///
/// ```
/// use std::time::Duration;
/// use lucent_core::{MemoryStore, store::{LeaseOutcome, LeaseStore as _}};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = MemoryStore::new();
/// let hour = Duration::from_secs(3600);
/// let granted = store.acquire_lease("reports", "node a", hour).await?;
/// let LeaseOutcome::Granted(fence) = granted else { panic!("nobody holds it") };
/// let refused = store.acquire_lease("reports", "node b", hour).await?;
/// assert!(matches!(refused, LeaseOutcome::Held(held) if &*held.holder == "node a"));
/// store.release_lease(&fence).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
/// Dropping a future leaves what was asked for either done or not done; asking again is safe.
#[async_trait]
pub trait LeaseStore: fmt::Debug + Send + Sync + 'static {
    /// Asks for a lease: granted if nobody else holds it or its time has run out. Asking for what
    /// one holds already sets its time anew. A lease of no duration has expired at once.
    ///
    /// # Errors
    /// When the store fails.
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError>;

    /// Has leases last this long from now on, and gives those that are lost: somebody else holds
    /// them, or they were released. One that has expired and that nobody took is held again.
    ///
    /// # Errors
    /// When the store fails; none was renewed then.
    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError>;

    /// Gives a lease back, so that the next one gets it at once. Does nothing if it is lost. Whoever
    /// shows the fence may do so: that is how a lease is taken away from its holder.
    ///
    /// # Errors
    /// When the store fails.
    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError>;

    /// The leases that are held now and whose names start with this, in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError>;
}

/// A lease's duration in microseconds, as stores keep it: at most 30 years.
#[must_use]
pub fn lease_micros(duration: Duration) -> i64 {
    const LONGEST: i64 = 30 * 365 * 24 * 3600 * 1_000_000;
    i64::try_from(duration.as_micros()).map_or(LONGEST, |micros| micros.clamp(0, LONGEST))
}
