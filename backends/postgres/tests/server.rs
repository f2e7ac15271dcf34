//! The server that the tests run on, and schemas of their own.
//!
//! Invariant: a missing server fails a test, with a message that says how to start it.

use std::{net::SocketAddr, thread};

use lucent_core::Uuid;
use lucent_postgres::{PostgresBuilder, PostgresStore};
use tokio_postgres::{Client, Config, NoTls, config::Host};

pub(crate) use crate::address::url;

/// Where the server answers.
pub(crate) async fn address() -> SocketAddr {
    let config: Config = url().parse().expect("the server's address is valid");
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        other => panic!("these tests reach the server over TCP, not over {other:?}"),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let mut found = tokio::net::lookup_host((host, port)).await.expect("the host is known");
    found.next().expect("the host has an address")
}

/// The connection string by which the server is reached at another address.
pub(crate) fn through(address: SocketAddr) -> String {
    let config: Config = url().parse().expect("the server's address is valid");
    let password = config.get_password().map(String::from_utf8_lossy).unwrap_or_default();
    let user = config.get_user().unwrap_or("postgres");
    let database = config.get_dbname().unwrap_or(user);
    format!("postgres://{user}:{password}@{address}/{database}")
}

/// A schema that is dropped at the end of its test.
#[derive(Debug)]
pub(crate) struct TestSchema {
    pub(crate) name: String,
    /// How many positions a partition of its ledger has.
    partitions: Option<u64>,
}

impl TestSchema {
    pub(crate) fn new() -> Self {
        Self::named(format!("test_{}", Uuid::now_v7().simple()))
    }

    /// A schema for a ledger in small partitions.
    pub(crate) fn partitioned() -> Self {
        Self::partitioned_by(PARTITION)
    }

    /// A schema for a ledger in partitions of a size.
    pub(crate) fn partitioned_by(positions: u64) -> Self {
        let mut schema = Self::new();
        schema.partitions = Some(positions);
        schema
    }

    /// One for each layout of a ledger.
    pub(crate) fn of_each_layout() -> [Self; 2] {
        [Self::new(), Self::partitioned()]
    }

    pub(crate) fn is_partitioned(&self) -> bool {
        self.partitions.is_some()
    }

    /// A schema that a test has named.
    pub(crate) fn named(name: String) -> Self {
        Self { name, partitions: None }
    }

    pub(crate) fn builder(&self) -> PostgresBuilder {
        self.builder_at(url())
    }

    /// The same by another address of the server.
    pub(crate) fn builder_at(&self, url: String) -> PostgresBuilder {
        let builder = PostgresStore::builder(url).schema(&self.name).readers(2);
        match self.partitions {
            None => builder,
            Some(positions) => builder.partitioned_by_positions(positions),
        }
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        match self.builder().connect().await {
            Ok(store) => store,
            Err(error) => panic!("{}", with_causes(&error)),
        }
    }

    /// Opens a store whose sessions bear the schema's name.
    pub(crate) async fn open_as_itself(&self) -> PostgresStore {
        let url = format!("{}?application_name={}", url(), self.name);
        self.builder_at(url).connect().await.expect("the store opens")
    }

    /// SQL with `{s}` for the schema.
    pub(crate) async fn run(&self, sql: &str) {
        let client = client().await;
        let done = client.batch_execute(&sql.replace("{s}", &self.name)).await;
        done.expect("the server takes the statement");
    }
}

impl Drop for TestSchema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(async { client().await.batch_execute(&sql).await })
        });
        // A schema that stays behind is no reason to hide why the test failed.
        drop(dropping.join());
    }
}

/// The smallest partitions that there can be.
pub(crate) const PARTITION: u64 = 100;

/// A plain connection.
pub(crate) async fn client() -> Client {
    let (client, connection) = tokio_postgres::connect(&url(), NoTls).await.expect(
        "PostgreSQL must run: start it with `cargo xtask services up`, or name one of your own in \
         LUCENT_POSTGRES_URL",
    );
    tokio::spawn(connection);
    client
}

/// An error with everything that caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
