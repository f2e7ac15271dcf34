//! Ledgers of older versions, and migrations that fail halfway.

use std::{fs, path::Path};

use lucent_core::{
    Position,
    store::{EventStore as _, ExpectedVersion},
};
use lucent_postgres::PostgresStore;
use lucent_testkit::network::{Fault, FaultyNetwork};

use crate::{
    events::{append, stream},
    server::{TestSchema, address, client, through},
};

/// The steps from each version to the next.
fn steps() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "sql")).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_of_any_earlier_version_is_brought_up_to_date_with_its_events() {
    let steps = steps();
    for version in 1..=steps.len() {
        let schema = TestSchema::new();
        schema.run("CREATE SCHEMA {s}").await;
        let filled = steps[..version].iter().map(|step| step.replace("{schema}", "{s}"));
        schema.run(&filled.collect::<Vec<_>>().join(";\n")).await;
        schema
            .run(&format!(
                "UPDATE {{s}}.ledger SET schema_version = {version}; \
                 INSERT INTO {{s}}.events (position, version, recorded_at, schema_version, \
                     event_id, correlation, causation, size, stream, event_type, payload) \
                 VALUES (1, 1, now(), 1, gen_random_uuid(), gen_random_uuid(), \
                     gen_random_uuid(), 2, 'a-1', 'Happened', '42')"
            ))
            .await;
        // Several programs may be updated at once.
        let (store, other) = tokio::join!(schema.open(), schema.open());
        assert_eq!(store.stream_version(&stream("a-1")).await.unwrap().get(), 1);
        store.append(append("a-1", ExpectedVersion::StreamExists)).await.unwrap();
        let appended = other.append(append("a-1", ExpectedVersion::StreamExists)).await.unwrap();
        assert_eq!(appended.position, Position::new(3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_migration_that_is_cut_off_leaves_nothing_and_can_be_done_again() {
    let schema = TestSchema::new();
    let network = FaultyNetwork::to(address().await).await.unwrap();
    let builder = || PostgresStore::builder(through(network.address())).schema(&schema.name);
    let struck = network.on(b"CREATE TABLE", Fault::LoseAnswer);
    let error = builder().connect().await.unwrap_err();
    struck.await;
    assert!(error.is_transient(), "{error:?}");
    let exists = "SELECT to_regnamespace($1) IS NULL";
    let gone = client().await.query_one(exists, &[&schema.name]).await.unwrap();
    assert!(gone.get::<_, bool>(0), "half of a migration is there");
    let store = builder().connect().await.unwrap();
    store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
}
