//! How the suite gets a store.
//!
//! Invariant: each behavior runs on a store of its own.

use async_trait::async_trait;
use lucent_core::store::Store;

use crate::conformance::Gap;

/// Makes the stores that the suite runs on; one fixture per behavior.
///
/// ```
/// use lucent_core::MemoryStore;
/// use lucent_testkit::conformance::{Gap, StoreFixture, async_trait};
///
/// struct Memory(MemoryStore);
///
/// #[async_trait]
/// impl StoreFixture for Memory {
///     type Store = MemoryStore;
///
///     async fn create() -> Self {
///         Self(MemoryStore::new())
///     }
///
///     fn store(&self) -> MemoryStore {
///         self.0.clone()
///     }
///
///     async fn reopen(&mut self) {
///         self.0 = MemoryStore::new();
///     }
///
///     async fn second(&self) -> Option<MemoryStore> {
///         Some(self.0.clone())
///     }
///
///     fn payload_limit() -> usize {
///         MemoryStore::PAYLOAD_LIMIT
///     }
///
///     fn gaps() -> &'static [Gap] {
///         &[Gap::Volatile]
///     }
/// }
/// ```
#[async_trait]
pub trait StoreFixture: Send + Sync + Sized + 'static {
    /// The store under test.
    type Store: Store;

    /// Makes a store that is empty and that nobody else sees.
    async fn create() -> Self;

    /// A handle on the store.
    fn store(&self) -> Self::Store;

    /// Closes the store as the end of its process would, and opens it again. Handles from before
    /// are not used any more.
    async fn reopen(&mut self);

    /// Opens the same data once more, as another process would; `None` if the store cannot, which
    /// is [`Gap::SingleInstance`].
    async fn second(&self) -> Option<Self::Store>;

    /// The longest payload in bytes that the store takes; one byte more is refused.
    fn payload_limit() -> usize;

    /// What the store cannot do. Each one is checked to be refused.
    #[must_use]
    fn gaps() -> &'static [Gap] {
        &[]
    }
}
