//! What happens when the network between the store and the server fails.

use std::time::Duration;

use futures::{StreamExt as _, stream::FuturesUnordered};
use lucent_core::{
    CommandId, EventId, Position, Version,
    store::{
        Append, AppendError, EventFilter, EventStore as _, ExpectedVersion, LogRead, StoreError,
    },
};
use lucent_postgres::{PostgresBuilder, PostgresStore};
use lucent_testkit::network::{Direction, Fault, FaultyNetwork};

use crate::{
    events::{append, stream},
    load::{Load, assert_helpful},
    server::{TestSchema, address, client, through, with_causes},
};

/// A store behind a network that fails on command; the store is not patient.
struct Remote {
    network: FaultyNetwork,
    store: PostgresStore,
    schema: TestSchema,
}

impl Remote {
    async fn open() -> Self {
        Self::open_with(|builder| builder).await
    }

    async fn open_with(change: impl FnOnce(PostgresBuilder) -> PostgresBuilder) -> Self {
        let network = FaultyNetwork::to(address().await).await.unwrap();
        let schema = TestSchema::new();
        let builder = PostgresStore::builder(through(network.address())).schema(&schema.name);
        let store = change(builder.readers(2)).connect().await.unwrap();
        Self { network, store, schema }
    }

    /// The events, as another store sees them that the network does not concern.
    async fn events(&self) -> Vec<EventId> {
        let read = LogRead::after(EventFilter::all(), Position::ZERO);
        let page = self.schema.open().await.read_log(read).await.unwrap();
        page.events.iter().map(|event| event.id).collect()
    }

    async fn append(&self, name: &str) -> Result<EventId, AppendError> {
        let append = append(name, ExpectedVersion::NoStream);
        let id = append.writes[0].events[0].id;
        self.store.append(append).await.map(|_| id)
    }
}

/// The store's writer has been at work, so that it appends from memory.
async fn warm(remote: &Remote) -> EventId {
    remote.append("warm-1").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_append_whose_request_is_lost_is_sent_again() {
    for remote in [Remote::open().await, Remote::open_with(in_parts).await] {
        let first = warm(&remote).await;
        let struck = remote.network.on(b"marked-1", Fault::LoseRequest);
        let second = remote.append("marked-1").await.unwrap();
        struck.await;
        assert_eq!(remote.events().await, [first, second]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_append_whose_answer_is_lost_is_found_written() {
    for remote in [Remote::open().await, Remote::open_with(in_parts).await] {
        let first = warm(&remote).await;
        let struck = remote.network.on(b"marked-1", Fault::LoseAnswer);
        let second = remote.append("marked-1").await.unwrap();
        struck.await;
        assert_eq!(remote.events().await, [first, second]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_is_lost_is_undone_and_the_append_sent_again() {
    for remote in [Remote::open().await, Remote::open_with(in_parts).await] {
        // A writer that has just begun reads the log in a transaction of several statements.
        let struck = remote.network.on_next(b"marked-1", Fault::LoseRequest);
        let id = remote.append("marked-1").await.unwrap();
        struck.await;
        assert_eq!(remote.events().await, [id]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    for remote in [Remote::open().await, Remote::open_with(in_parts).await] {
        let struck = remote.network.on_next(b"marked-1", Fault::LoseAnswer);
        let id = remote.append("marked-1").await.unwrap();
        struck.await;
        assert_eq!(remote.events().await, [id]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outcome_that_cannot_be_found_out_in_time_is_reported_as_unknown() {
    let remote =
        Remote::open_with(|builder| builder.outcome_timeout(Duration::from_millis(200))).await;
    warm(&remote).await;
    let command = CommandId::new();
    let certain =
        Append { command: Some(command), ..append("marked-1", ExpectedVersion::NoStream) };
    let struck = remote.network.on(b"marked-1", Fault::HoldAnswer);
    let appending = tokio::spawn({
        let (store, append) = (remote.store.clone(), certain.clone());
        async move { store.append(append).await }
    });
    struck.await;
    remote.network.cut();
    let error = appending.await.unwrap().unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    let AppendError::Store(StoreError::OutcomeUnknown { location, reason }) = &error else {
        panic!("{error:?}");
    };
    assert!(location.contains(&remote.schema.name), "{location}");
    assert!(reason.contains("within 200ms"), "{reason}");
    // It was written, and the same command again says so.
    assert_eq!(remote.events().await.len(), 2);
    remote.network.resume();
    let again = remote.store.append(certain).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.position, Position::new(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_not_there_when_it_is_looked_for_after_an_unknown_outcome_never_comes() {
    let remote =
        Remote::open_with(|builder| builder.outcome_timeout(Duration::from_millis(200))).await;
    let first = warm(&remote).await;
    // The append has arrived, and waits in the server for somebody else.
    let mut other = client().await;
    let holding = other.transaction().await.unwrap();
    let table = format!("{}.events", remote.schema.name);
    holding.batch_execute(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE")).await.unwrap();
    let appending = tokio::spawn({
        let (store, append) = (remote.store.clone(), append("marked-1", ExpectedVersion::Any));
        async move { store.append(append).await }
    });
    let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass";
    while holding.query(waits, &[&table]).await.unwrap().is_empty() {}
    remote.network.cut();
    let error = appending.await.unwrap().unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    remote.network.resume();
    let marked = stream("marked-1");
    assert_eq!(remote.store.stream_version(&marked).await.unwrap(), Version::ZERO);
    holding.rollback().await.unwrap();
    let later = remote.append("later-1").await.unwrap();
    assert_eq!(remote.events().await, [first, later]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_falls_silent_counts_as_lost() {
    // It gives up on the answer soon, and has all the time to ask what came of it.
    let remote =
        Remote::open_with(|builder| impatient(builder).outcome_timeout(Duration::from_secs(60)));
    let remote = remote.await;
    let first = warm(&remote).await;
    let struck = remote.network.on(b"marked-1", Fault::HoldAnswer);
    let second = remote.append("marked-1").await.unwrap();
    struck.await;
    assert_eq!(remote.events().await, [first, second]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_that_passes_nothing_on_is_reported_and_outlived() {
    let remote = Remote::open_with(impatient).await;
    warm(&remote).await;
    remote.network.stall(Direction::ToClient);
    let warm = stream("warm-1");
    let (appended, read) =
        tokio::join!(remote.append("marked-1"), remote.store.stream_version(&warm));
    assert!(appended.as_ref().is_err_and(AppendError::is_outcome_unknown), "{appended:?}");
    let read = read.unwrap_err();
    assert!(read.is_transient(), "{read:?}");
    assert!(with_causes(&read).contains("the server has not answered for"), "{read:?}");
    remote.network.resume();
    remote.append("later-1").await.unwrap();
    assert_eq!(remote.store.stream_version(&warm).await.unwrap(), Version::new(1));
    assert_eq!(remote.events().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_network_is_down_appends_are_refused_and_nothing_is_written() {
    let remote = Remote::open_with(impatient).await;
    let first = warm(&remote).await;
    remote.network.cut();
    let mut error = remote.append("refused-1").await.unwrap_err();
    if error.is_outcome_unknown() {
        // The writer sent it on a connection that it still believed in.
        error = remote.append("refused-1").await.unwrap_err();
    }
    assert_helpful(&error);
    let read = remote.store.head().await.unwrap_err();
    assert!(read.is_transient(), "{read:?}");
    remote.network.resume();
    let second = remote.append("later-1").await.unwrap();
    assert_eq!(remote.events().await, [first, second]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_however_the_network_fails_under_load() {
    // A busy disk takes its time for a commit, and must not count as a network that is down.
    let steady = |builder| impatient(builder).answer_timeout(Duration::from_millis(600));
    fail_under_load(&Remote::open_with(steady).await).await;
    fail_under_load(&Remote::open_with(|builder| steady(in_parts(builder))).await).await;
}

async fn fail_under_load(remote: &Remote) {
    let load = Load::start(&remote.store, 8);
    let network = &remote.network;
    for _ in 0..2 {
        load.acknowledges(100).await;
        network.cut_open();
        load.acknowledges(100).await;
        network.cut();
        load.fails(8).await;
        network.resume();
        for direction in [Direction::ToClient, Direction::ToServer] {
            load.acknowledges(100).await;
            let opened = network.opened();
            network.stall(direction);
            if direction == Direction::ToClient {
                // What was sent is written, and no answer comes. Nothing was sent if the store had just
                // lost its connection, which a slow disk does, too: then it is not left in doubt.
                while !load.is_left_in_doubt().await {
                    network.resume();
                    load.acknowledges(1).await;
                    network.stall(direction);
                }
            }
            // The store has noticed, and tries other connections.
            network.until_opened(opened + 2).await;
            network.resume();
            load.acknowledges(100).await;
            network.half_close(direction);
            network.resume();
        }
    }
    load.acknowledges(100).await;
    let told = load.check().await;
    assert!(!told.unknown.is_empty(), "no connection was lost in the middle of an append");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_appends_than_the_queue_has_room_for_are_refused_as_busy() {
    let remote = Remote::open_with(|builder| builder.patience(Duration::from_millis(200))).await;
    warm(&remote).await;
    remote.network.stall(Direction::ToServer);
    let mut appends: FuturesUnordered<_> = (0..20_000)
        .map(|number| {
            let append = append(&format!("many-{number}"), ExpectedVersion::NoStream);
            remote.store.append(append)
        })
        .collect();
    // Nothing arrives at the server, so the first answer is about the queue.
    let first = appends.next().await.expect("there are appends").unwrap_err();
    assert!(matches!(first, AppendError::Store(StoreError::Busy { .. })), "{first:?}");
    assert!(first.to_string().contains("send fewer at a time"), "{first}");
    remote.network.resume();
    let mut written = 0;
    while let Some(outcome) = appends.next().await {
        match outcome {
            Ok(_) => written += 1,
            Err(AppendError::Store(StoreError::Busy { .. })) => {}
            Err(other) => panic!("{}", with_causes(&other)),
        }
    }
    assert_eq!(remote.store.head().await.unwrap(), Position::new(written + 1));
}

fn impatient(builder: PostgresBuilder) -> PostgresBuilder {
    let short = Duration::from_millis(200);
    builder.patience(short).answer_timeout(short).outcome_timeout(short)
}

fn in_parts(builder: PostgresBuilder) -> PostgresBuilder {
    builder.partitioned_by_positions(crate::server::PARTITION)
}
