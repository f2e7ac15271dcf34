//! What happens when a server dies, has no room left, or is a replica.

use std::time::Duration;

use lucent_core::{
    Payload, Position, Uuid,
    store::{Append, AppendError, EventStore as _, ExpectedVersion, StoreError},
};
use lucent_postgres::{PostgresBuilder, PostgresStore};
use lucent_testkit::network::{Fault, FaultyNetwork};

use crate::{
    events::{append, event, stream},
    load::{Load, assert_helpful},
    private::PrivateServer,
    server::PARTITION,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_when_the_server_is_killed_under_load() {
    let server = PrivateServer::start("");
    for (name, in_layout) in [("whole", LAYOUTS[0]), ("parts", LAYOUTS[1])] {
        let store = in_layout(impatient(server.url()).schema(name)).connect().await.unwrap();
        let load = Load::start(&store, 8);
        for _ in 0..3 {
            load.acknowledges(200).await;
            server.kill();
            server.resume();
        }
        load.acknowledges(200).await;
        load.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_without_room_is_full_until_there_is_room_again() {
    // A file of a small partition would never meet the limit.
    let in_large_parts: Layout = |builder| builder.partitioned_by_positions(1_000);
    for in_layout in [LAYOUTS[0], in_large_parts] {
        // A limit of the size of files needs no file system of its own. It is no multiple of a page, so
        // that the server writes a part of one, as it does when a disk is full.
        let limit = &["prlimit", "--fsize=4000100:unlimited"];
        let server = PrivateServer::start_by(limit, |_| "fsync = off".to_owned());
        let store = in_layout(PostgresStore::builder(server.url())).connect().await.unwrap();
        let mut acknowledged = 0;
        let error = loop {
            let appended = store.append(large()).await;
            match appended {
                Ok(appended) => acknowledged = appended.position.get(),
                Err(error) => break error,
            }
            assert!(acknowledged < 10_000, "the limit does not work");
        };
        assert!(matches!(error, AppendError::Store(StoreError::Full { .. })), "{error:?}");
        assert_helpful(&error);
        assert_eq!(store.head().await.unwrap().get(), acknowledged);
        store.append(large()).await.unwrap_err();
        assert_eq!(store.stream_version(&stream("large-1")).await.unwrap().get(), acknowledged);
        server.lift_file_limit().await;
        let appended = store.append(large()).await.unwrap();
        assert_eq!(appended.position.get(), acknowledged + EVENTS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_can_be_read_refuses_appends_and_takes_over() {
    for in_layout in LAYOUTS {
        let primary = PrivateServer::start("");
        let store = in_layout(PostgresStore::builder(primary.url())).connect().await.unwrap();
        store.append(append("a-1", ExpectedVersion::NoStream)).await.unwrap();
        let replica = primary.replica();

        let reader = PostgresStore::connect(replica.url()).await.unwrap();
        assert_eq!(reader.wait_past(Position::ZERO).await.unwrap(), Position::new(1));
        store.append(append("a-2", ExpectedVersion::NoStream)).await.unwrap();
        assert_eq!(reader.wait_past(Position::new(1)).await.unwrap(), Position::new(2));
        let refused = reader.append(append("a-3", ExpectedVersion::NoStream)).await.unwrap_err();
        assert!(
            matches!(refused, AppendError::Store(StoreError::Inaccessible { .. })),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("connect to the primary"), "{refused}");

        a_replica_is_not_asked_for_outcomes(&primary, &replica).await;

        // From now on, what is acknowledged is on both.
        let admin = primary.client().await;
        admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let both = both(primary.port(), replica.port()) + " target_session_attrs=read-write";
        let store = in_layout(impatient(both).schema("other")).connect().await.unwrap();
        let load = Load::start(&store, 8);
        load.acknowledges(200).await;
        primary.lose();
        replica.promote();
        load.acknowledges(200).await;
        load.check().await;
        // The store that was opened on the replica writes now, too.
        reader.append(append("a-3", ExpectedVersion::NoStream)).await.unwrap();
    }
}

/// A replica that lags behind does not know what its primary has committed.
async fn a_replica_is_not_asked_for_outcomes(primary: &PrivateServer, replica: &PrivateServer) {
    let network = FaultyNetwork::to(([127, 0, 0, 1], primary.port()).into()).await.unwrap();
    let both = both(network.address().port(), replica.port());
    // Long enough for the replica to answer.
    let builder = impatient(both).outcome_timeout(Duration::from_secs(2));
    let store = builder.connect().await.unwrap();
    store.append(append("b-1", ExpectedVersion::NoStream)).await.unwrap();
    let lagging = replica.client().await;
    lagging.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    let struck = network.on(b"b-2", Fault::HoldAnswer);
    let appending = tokio::spawn({
        let store = store.clone();
        async move { store.append(append("b-2", ExpectedVersion::NoStream)).await }
    });
    struck.await;
    network.cut();
    let error = appending.await.unwrap().unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    lagging.batch_execute("SELECT pg_wal_replay_resume()").await.unwrap();
    network.resume();
    store.wait_past(Position::new(3)).await.unwrap();
    assert_eq!(store.stream_version(&stream("b-2")).await.unwrap().get(), 1);
}

/// A store that is not patient, so that writers are told of what goes wrong.
fn impatient(url: String) -> PostgresBuilder {
    let short = Duration::from_millis(200);
    PostgresStore::builder(url).readers(2).patience(short).outcome_timeout(short)
}

/// Two servers in one connection string.
fn both(first: u16, second: u16) -> String {
    format!(
        "host=127.0.0.1,127.0.0.1 port={first},{second} user=lucent password=lucent dbname=postgres"
    )
}

/// Events that cannot be compressed.
fn large() -> Append {
    let events = (0..EVENTS).map(|_| {
        let mut event = event();
        let bytes: Vec<u8> = (0..400).flat_map(|_| Uuid::new_v4().into_bytes()).collect();
        event.payload = Payload::binary(bytes);
        event
    });
    Append::one(stream("large-1"), ExpectedVersion::Any, events.collect())
}

const EVENTS: u64 = 20;

type Layout = fn(PostgresBuilder) -> PostgresBuilder;

/// Ledgers that are whole, and ledgers in small partitions.
const LAYOUTS: [Layout; 2] =
    [|builder| builder, |builder| builder.partitioned_by_positions(PARTITION)];
