//! Several processes on one database.
//!
//! This binary starts itself again; [`child`] is what runs in the other process.

use std::{
    env,
    io::Write as _,
    process::{Child, Command, Stdio},
};

use futures::future::join_all;
use lucent_core::{
    Position, Subscription,
    store::{EventFilter, EventStore as _, ExpectedVersion},
};
use lucent_postgres::{PostgresBuilder, PostgresStore};

use crate::{
    events::append,
    server::{PARTITION, TestSchema, url},
};

const SCHEMA: &str = "LUCENT_POSTGRES_TEST_SCHEMA";
const PARTS: &str = "LUCENT_POSTGRES_TEST_PARTS";
const LEDGERS: [Option<&str>; 3] = [None, Some("b"), Some("c")];

/// The other process; an ordinary run of the tests has no schema for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(schema) = env::var(SCHEMA) else { return };
    // The ledgers do not exist yet, so processes also compete to make them.
    let mut builder = PostgresStore::builder(url()).schema(schema).readers(1);
    if env::var(PARTS).is_ok() {
        builder = builder.partitioned_by_positions(PARTITION);
    }
    let stores = join_all(LEDGERS.map(|name| ledger(builder.clone(), name).connect())).await;
    for (number, store) in stores.into_iter().enumerate() {
        compete(&store.unwrap(), number).await;
    }
}

/// More streams than a partition has positions.
const ROUNDS: u64 = 5;
const STREAMS: u64 = 25;

fn ledger(builder: PostgresBuilder, name: Option<&str>) -> PostgresBuilder {
    match name {
        None => builder,
        Some(name) => builder.ledger(name),
    }
}

/// Tries to be the first in each of many streams, and says where it was.
async fn compete(store: &PostgresStore, ledger: usize) {
    for round in 0..ROUNDS {
        let attempts = (0..STREAMS).map(|number| async move {
            let name = format!("s{round}-{number}");
            (store.append(append(&name, ExpectedVersion::NoStream)).await, name)
        });
        for (outcome, name) in join_all(attempts).await {
            match outcome {
                Ok(_) => println!("\nwon {ledger} {name}"),
                Err(error) if error.is_conflict() => {}
                Err(error) => println!("\nwon {error}"),
            }
        }
    }
    std::io::stdout().flush().unwrap();
    store.close().await;
}

fn start(schema: &TestSchema) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    if schema.is_partitioned() {
        command.env(PARTS, "yes");
    }
    command
        .args(["processes::child", "--exact", "--nocapture"])
        .env(SCHEMA, &schema.name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_make_ledgers_at_once_share_them() {
    for schema in TestSchema::of_each_layout() {
        share(&schema).await;
    }
}

async fn share(schema: &TestSchema) {
    let ledgers: Vec<_> = LEDGERS.iter().flatten().collect();
    let _others: Vec<_> =
        ledgers.iter().map(|name| TestSchema::named(format!("{}_{name}", schema.name))).collect();
    let children: Vec<_> = (0..4).map(|_| start(schema)).collect();
    let mut won = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        won.extend(said.lines().filter_map(|line| line.strip_prefix("won ")).map(str::to_owned));
    }
    won.sort();
    let streams = (0..ROUNDS).flat_map(|round| (0..STREAMS).map(move |number| (round, number)));
    let mut wanted: Vec<_> = streams
        .flat_map(|(round, number)| (0..3).map(move |ledger| format!("{ledger} s{round}-{number}")))
        .collect();
    wanted.sort();
    assert_eq!(won, wanted);
    for name in LEDGERS {
        let store = ledger(schema.builder(), name).connect().await.unwrap();
        let mut log =
            Subscription::new(std::sync::Arc::new(store), EventFilter::all(), Position::ZERO);
        for position in 1..=ROUNDS * STREAMS {
            let event = log.try_next().await.unwrap().expect("there are as many");
            assert_eq!(event.position, Position::new(position));
        }
        assert_eq!(log.try_next().await.unwrap(), None);
    }
}
