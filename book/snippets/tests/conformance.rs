//! The suite for stores, on the store in memory.

// ANCHOR: conformance
use lucent_core::MemoryStore;
use lucent_testkit::conformance::{Gap, StoreFixture, async_trait};

struct Memory(MemoryStore);

#[async_trait]
impl StoreFixture for Memory {
    type Store = MemoryStore;

    async fn create() -> Self {
        Self(MemoryStore::new())
    }

    fn store(&self) -> MemoryStore {
        self.0.clone()
    }

    /// As the end of the process would: here, everything is gone.
    async fn reopen(&mut self) {
        self.0 = MemoryStore::new();
    }

    /// The same data once more, as another process would open it.
    async fn second(&self) -> Option<MemoryStore> {
        Some(self.0.clone())
    }

    fn payload_limit() -> usize {
        MemoryStore::PAYLOAD_LIMIT
    }

    fn gaps() -> &'static [Gap] {
        &[Gap::Volatile]
    }
}

lucent_testkit::conformance!(memory: Memory);
// ANCHOR_END: conformance
