//! What every store promises.

use lucent_postgres::PostgresStore;
use lucent_testkit::conformance::{StoreFixture, async_trait};

use crate::server::TestSchema;

struct Postgres {
    store: PostgresStore,
    schema: TestSchema,
}

impl Postgres {
    async fn on(schema: TestSchema) -> Self {
        Self { store: schema.open().await, schema }
    }
}

#[async_trait]
impl StoreFixture for Postgres {
    type Store = PostgresStore;

    async fn create() -> Self {
        Self::on(TestSchema::new()).await
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

/// A ledger whose partitions are so small that much of the suite crosses them, and not so many in its
/// longest logs that making them takes most of the time.
struct Partitioned(Postgres);

#[async_trait]
impl StoreFixture for Partitioned {
    type Store = PostgresStore;

    async fn create() -> Self {
        Self(Postgres::on(TestSchema::partitioned_by(200)).await)
    }

    fn store(&self) -> PostgresStore {
        self.0.store()
    }

    async fn reopen(&mut self) {
        self.0.reopen().await;
    }

    async fn second(&self) -> Option<PostgresStore> {
        self.0.second().await
    }

    fn payload_limit() -> usize {
        Postgres::payload_limit()
    }
}

lucent_testkit::conformance!(partitioned: Partitioned);
