//! What every store promises.

use lucent_postgres::PostgresStore;
use lucent_testkit::conformance::{StoreFixture, async_trait};

use crate::server::TestSchema;

struct Postgres {
    store: PostgresStore,
    schema: TestSchema,
}

#[async_trait]
impl StoreFixture for Postgres {
    type Store = PostgresStore;

    async fn create() -> Self {
        let schema = TestSchema::new();
        Self { store: schema.open().await, schema }
    }

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.schema.open().await;
    }

    async fn second(&self) -> Option<PostgresStore> {
        Some(self.schema.open().await)
    }

    fn payload_limit() -> usize {
        16 << 20
    }
}

lucent_testkit::conformance!(Postgres);
