//! The in-memory store keeps every promise but survival of the process.

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

    async fn reopen(&mut self) {
        self.0 = MemoryStore::new();
    }

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

lucent_testkit::conformance!(Memory);
