//! Schemas of earlier versions, and migrations that fail halfway.

use std::{fs, path::Path};

use lucent_core::{
    CommandId, Position,
    store::{
        EventStore as _, ExpectedVersion, Parked, ParkedChange, ParkedEvent, ProjectionCommit,
        ProjectionId, ReadModelStore as _,
    },
};
use lucent_testkit::network::{Fault, FaultyNetwork};

use crate::{
    events::{append, stream},
    server::{TestSchema, address, client, through},
};

#[tokio::test]
async fn a_ledger_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds() {
    let schema = TestSchema::new();
    let first = include_str!("../src/schema/001.sql").replace("{schema}", "{s}");
    schema.run(&format!("CREATE SCHEMA {{s}}; {first}")).await;
    schema
        .run(
            "UPDATE {s}.ledger SET schema_version = 1; \
             SELECT {s}.project('accounts', 1, 0, 5, true, '{a}', ARRAY['1']::json[], NULL)",
        )
        .await;
    let stores = [schema.open().await, schema.open().await];
    let id = ProjectionId::new("accounts", 1);
    for store in &stores {
        assert_eq!(store.checkpoint(&id).await.unwrap(), Position::new(5));
        assert_eq!(store.active_version("accounts").await.unwrap(), Some(1));
        assert_eq!(store.document_page(&id, None, 9).await.unwrap().len(), 1);
        assert_eq!(store.parked(&id).await.unwrap(), Parked::default());
    }
    let parked = ParkedEvent {
        key: "a".into(),
        position: Position::new(6),
        stream: lucent_core::StreamId::new("s-1").unwrap(),
        event_type: "Happened".into(),
        reason: Some("it fails".into()),
    };
    let step = ProjectionCommit::new(id.clone(), Position::new(5), Position::new(6));
    let parked = vec![ParkedChange::Park(parked)];
    stores[0].commit_projection(ProjectionCommit { parked, ..step }).await.unwrap();
    assert_eq!(stores[1].parked(&id).await.unwrap().lines.len(), 1);
}

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

#[tokio::test]
async fn a_ledger_in_partitions_of_version_4_is_brought_up_to_date() {
    let schema = TestSchema::partitioned();
    schema.open().await.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
    // Its function looked commands up as a list.
    schema
        .run(
            "DO $$ BEGIN EXECUTE regexp_replace(pg_get_functiondef('{s}.append_partitioned'::regproc), \
             'in_new_commands IS NOT NULL AND .*?\\mTHEN', 'in_new_commands IS NOT NULL AND EXISTS \
             (SELECT 1 FROM {s}.commands AS c WHERE c.command_id = ANY(in_new_commands)) THEN'); END $$; \
             UPDATE {s}.ledger SET schema_version = 4",
        )
        .await;
    let store = schema.open().await;
    let mut known = append("a-1", ExpectedVersion::StreamExists);
    known.command = Some(CommandId::new());
    let first = store.append(known.clone()).await.unwrap();
    let again = schema.open().await.append(known).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.position, first.position);
    let client = client().await;
    let read = format!("SELECT pg_get_functiondef('{}.append_partitioned'::regproc)", schema.name);
    let function: String = client.query_one(&read, &[]).await.unwrap().get(0);
    assert!(function.contains("unnest(in_new_commands)"), "{function}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_migration_that_is_cut_off_leaves_nothing_and_can_be_done_again() {
    let [first, tables, partitions] = ["CREATE TABLE", "append_partitioned", "make_partitions($1)"];
    for (schema, step) in [
        (TestSchema::new(), first),
        (TestSchema::partitioned(), first),
        (TestSchema::partitioned(), tables),
        (TestSchema::partitioned(), partitions),
    ] {
        let network = FaultyNetwork::to(address().await).await.unwrap();
        let builder = || schema.builder_at(through(network.address()));
        let struck = network.on(step.as_bytes(), Fault::LoseAnswer);
        let error = builder().connect().await.unwrap_err();
        struck.await;
        assert!(error.is_transient(), "{error:?}");
        let exists = "SELECT to_regnamespace($1) IS NULL";
        let gone = client().await.query_one(exists, &[&schema.name]).await.unwrap();
        assert!(gone.get::<_, bool>(0), "half of a migration is there");
        let store = builder().connect().await.unwrap();
        store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
    }
}

#[tokio::test]
async fn a_ledger_of_an_earlier_version_stays_whole_when_partitions_are_asked_for() {
    let schema = TestSchema::partitioned();
    let first = steps()[0].replace("{schema}", "{s}");
    schema.run(&format!("CREATE SCHEMA {{s}}; {first}")).await;
    schema.run("UPDATE {s}.ledger SET schema_version = 1").await;
    let error = schema.builder().connect().await.unwrap_err();
    assert!(error.to_string().contains("and it was made with none"), "{error}");
    let whole = TestSchema::named(schema.name.clone());
    let store = whole.open().await;
    store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
}
