//! The shared suite: the embedded store keeps every promise, also across a restart and with two
//! instances on one file.

use lucent_sqlite::SqliteStore;
use lucent_testkit::conformance::{Gap, StoreFixture, async_trait};
use tempfile::TempDir;

/// Large enough for the suite, small enough to be exceeded by it.
const MAX_PAYLOAD: usize = 4 << 20;

struct Sqlite {
    folder: TempDir,
    store: SqliteStore,
}

impl Sqlite {
    async fn open(folder: &TempDir) -> SqliteStore {
        let path = folder.path().join("store.db");
        SqliteStore::builder().max_payload(MAX_PAYLOAD).open(path).await.unwrap()
    }
}

#[async_trait]
impl StoreFixture for Sqlite {
    type Store = SqliteStore;

    async fn create() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Self::open(&folder).await;
        Self { folder, store }
    }

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Self::open(&self.folder).await;
    }

    async fn second(&self) -> Option<SqliteStore> {
        Some(Self::open(&self.folder).await)
    }

    fn payload_limit() -> usize {
        MAX_PAYLOAD
    }

    fn gaps() -> &'static [Gap] {
        &[]
    }
}

lucent_testkit::conformance!(Sqlite);
