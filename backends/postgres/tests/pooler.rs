//! What happens behind a pooler of connections.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
};

use lucent_core::{
    Position,
    store::{EventStore as _, ExpectedVersion, StoreError},
};
use lucent_postgres::PostgresStore;
use tempfile::TempDir;

use crate::{
    events::append,
    load::Load,
    private::{give_to_servers_user, program_of_servers_user},
    server::{TestSchema, address, through},
};

/// PgBouncer in front of the server.
struct Pooler {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    async fn start(mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = through(address().await);
        let config: tokio_postgres::Config = server.parse().unwrap();
        let password = String::from_utf8_lossy(config.get_password().unwrap_or_default());
        let settings = format!(
            "[databases]\n\
             pooled = host={} port={} dbname={} user={} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {mode}\ndefault_pool_size = 20\n",
            address().await.ip(),
            address().await.port(),
            config.get_dbname().unwrap(),
            config.get_user().unwrap(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        give_to_servers_user(folder.path());
        let process = program_of_servers_user(&program())
            .arg("--quiet")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { process: process.expect("PgBouncer starts"), port, _folder: folder }
    }

    fn url(&self) -> String {
        format!("postgres://any@127.0.0.1:{}/pooled", self.port)
    }

    /// Opens a store, once the pooler answers.
    async fn open(&self, schema: &TestSchema) -> Result<PostgresStore, StoreError> {
        loop {
            let builder = PostgresStore::builder(self.url()).schema(&schema.name).readers(2);
            match builder.connect().await {
                Err(error) if error.is_transient() => tokio::task::yield_now().await,
                outcome => return outcome,
            }
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn program() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
    let mut programs = folders.map(|folder| folder.join("pgbouncer"));
    programs.find(|program| program.exists()).expect(
        "this test needs PgBouncer: install it (`cargo xtask services up` does so on Debian), or put \
         it on the PATH",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_of_sessions_is_as_good_as_the_server() {
    let pooler = Pooler::start("session").await;
    let schema = TestSchema::new();
    let (store, other) = (pooler.open(&schema).await.unwrap(), pooler.open(&schema).await.unwrap());
    let waiting = tokio::spawn(async move { other.wait_past(Position::ZERO).await });
    store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Position::new(1));
    let schema = TestSchema::new();
    let load = Load::start(&pooler.open(&schema).await.unwrap(), 8);
    load.acknowledges(200).await;
    load.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_of_transactions_or_statements_is_refused_when_the_store_connects() {
    for mode in ["transaction", "statement"] {
        let pooler = Pooler::start(mode).await;
        let schema = TestSchema::new();
        for _ in 0..10 {
            let error = pooler.open(&schema).await.unwrap_err();
            assert!(matches!(error, StoreError::Inaccessible { .. }), "{mode}: {error:?}");
            assert!(error.to_string().contains("`pool_mode = session`"), "{mode}: {error}");
        }
    }
}
