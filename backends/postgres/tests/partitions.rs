//! Ledgers whose events are in partitions.

use std::time::Duration;

use futures::future::join_all;
use lucent_core::{
    NewEvent, Position, Tag, Version,
    store::{
        Append, AppendCondition, AppendError, EventFilter, EventQuery, EventStore as _,
        ExpectedVersion, LogRead, PageLimit, QueryItem, StoreError, StreamRead, VersionConflict,
    },
};
use lucent_postgres::{PostgresBuilder, PostgresStore};

use crate::{
    events::{append, event, stream},
    server::{PARTITION, TestSchema, client, with_causes},
};

const ANY: ExpectedVersion = ExpectedVersion::Any;

async fn value<T>(schema: &TestSchema, sql: &str) -> T
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    let sql = sql.replace("{s}", &schema.name);
    client().await.query_one(&sql, &[]).await.expect("the server answers").get(0)
}

/// Appends so many events to a stream, in one append.
async fn fill(store: &PostgresStore, name: &str, events: usize) {
    let events = (0..events).map(|_| event()).collect();
    store.append(Append::one(stream(name), ANY, events)).await.unwrap();
}

fn damaged<T>(outcome: Result<T, StoreError>) {
    let error = outcome.err().expect("a part of the log is missing");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("attach it again"), "{error}");
}

async fn refused(builder: PostgresBuilder) -> String {
    let error = builder.connect().await.expect_err("it is laid out in another way");
    assert!(matches!(error, StoreError::Inaccessible { .. }), "{error:?}");
    with_causes(&error)
}

#[tokio::test]
async fn a_ledger_keeps_the_layout_that_it_was_made_with() {
    let [whole, parts] = TestSchema::of_each_layout();
    for schema in [&whole, &parts] {
        let store = schema.open().await;
        store.append(append("a-1", ANY)).await.unwrap();
        store.close().await;
    }
    let told = refused(whole.builder().partitioned_by_positions(PARTITION)).await;
    assert!(told.contains("partitions of 100 positions, and it was made with none"), "{told}");
    let told = refused(parts.builder().partitioned_by_positions(500)).await;
    assert!(
        told.contains("partitions of 500 positions, and it was made with ones of 100"),
        "{told}"
    );
    assert!(told.contains("leave `partitioned_by_positions` out"), "{told}");
    // Who says nothing takes it as it is.
    let silent = TestSchema::named(parts.name.clone());
    for (schema, streams) in [(&whole, false), (&silent, true)] {
        let store = schema.open().await;
        assert_eq!(store.append(append("a-1", ANY)).await.unwrap().position, Position::new(2));
        let exists = "SELECT to_regclass('{s}.streams') IS NOT NULL";
        assert_eq!(value::<bool>(schema, exists).await, streams);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn partitions_are_made_ahead_of_the_log() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    let reach = "SELECT {s}.partitions_reach()";
    assert_eq!(value::<i64>(&schema, reach).await, 200);
    for _ in 0..PARTITION {
        store.append(append("a-1", ANY)).await.unwrap();
    }
    assert_eq!(value::<i64>(&schema, reach).await, 200, "one is free");
    store.append(append("a-1", ANY)).await.unwrap();
    let made = async {
        while value::<i64>(&schema, reach).await < 300 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), made).await.expect("the next one is made");
    fill(&store, "a-1", 500).await;
    assert!(value::<i64>(&schema, reach).await >= 700, "one is free behind the last event");
    assert_eq!(store.head().await.unwrap().get(), PARTITION + 1 + 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn partitions_that_are_made_at_once_are_made_once() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    let making = (0..8).map(|_| value::<i64>(&schema, "SELECT {s}.make_partitions(1450)"));
    let (made, ()) = tokio::join!(join_all(making), fill(&store, "a-1", 1_000));
    assert_eq!(made, [1_500; 8]);
    let count = "SELECT count(*) FROM pg_inherits WHERE inhparent = '{s}.events'::regclass";
    assert_eq!(value::<i64>(&schema, count).await, 15);
}

#[tokio::test]
async fn a_partition_that_somebody_has_removed_is_made_again() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    store.append(append("a-1", ANY)).await.unwrap();
    // The store knows of this one.
    schema.run("DROP TABLE {s}.events_2").await;
    fill(&store, "a-1", 150).await;
    let page = store.read_stream(StreamRead::forward(stream("a-1"))).await.unwrap();
    assert_eq!(page.events.len(), 151);
}

#[tokio::test]
async fn positions_are_not_given_out_again_when_the_newest_partitions_are_gone() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    fill(&store, "a-1", 50).await;
    fill(&store, "b-1", 60).await;
    schema
        .run(
            "ALTER TABLE {s}.events DETACH PARTITION {s}.events_2; \
             DO $$ DECLARE later text; BEGIN FOR later IN SELECT inhrelid::regclass::text \
             FROM pg_inherits WHERE inhparent = '{s}.events'::regclass \
             AND inhrelid <> '{s}.events_1'::regclass \
             LOOP EXECUTE 'DROP TABLE ' || later; END LOOP; END $$",
        )
        .await;
    let error = schema.builder().connect().await.expect_err("the newest events are missing");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    for name in ["a-1", "c-1"] {
        let error = store.append(append(name, ANY)).await.unwrap_err();
        assert!(matches!(error, AppendError::Store(StoreError::Damaged { .. })), "{error:?}");
        assert!(error.to_string().contains("attach it again"), "{error}");
    }
    let attach =
        "ALTER TABLE {s}.events ATTACH PARTITION {s}.events_2 FOR VALUES FROM (101) TO (201)";
    schema.run(attach).await;
    let appended = store.append(append("a-1", ANY)).await.unwrap();
    assert_eq!(appended.position, Position::new(111));
    let appended = schema.open().await.append(append("a-1", ANY)).await.unwrap();
    assert_eq!(appended.position, Position::new(112));
}

#[tokio::test]
async fn a_log_without_one_of_its_partitions_is_refused() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    for name in ["a-1", "b-1"] {
        fill(&store, name, 150).await;
    }
    schema.run("ALTER TABLE {s}.events DETACH PARTITION {s}.events_2").await;
    damaged(schema.builder().connect().await);
    let all = EventFilter::all();
    damaged(store.read_log(LogRead::after(all.clone(), Position::ZERO)).await);
    damaged(store.read_log(LogRead::after(all, Position::new(150))).await);
    for name in ["a-1", "b-1"] {
        damaged(store.read_stream(StreamRead::forward(stream(name))).await);
        damaged(store.read_stream(StreamRead::backward(stream(name))).await);
        // The versions of streams do not go back.
        let version = store.stream_version(&stream(name)).await.unwrap();
        assert_eq!(version, Version::new(150));
    }
    let attach =
        "ALTER TABLE {s}.events ATTACH PARTITION {s}.events_2 FOR VALUES FROM (101) TO (201)";
    schema.run(attach).await;
    let again = schema.open().await;
    for store in [&store, &again] {
        let page = store.read_stream(StreamRead::forward(stream("b-1"))).await.unwrap();
        assert_eq!(page.events.len(), 150);
        fill(store, "b-2", 1).await;
    }
}

/// Queries by type, by tag and by both.
fn queries() -> [EventQuery; 4] {
    let (types, tag) = (["Happened"], Tag::new("of:1").unwrap());
    let both = |name: &'static str| QueryItem { types: vec![name.into()], tags: vec![tag.clone()] };
    [
        EventQuery::types(types),
        EventQuery::tags([tag.clone()]),
        EventQuery::AnyOf(vec![both("Happened")]),
        EventQuery::AnyOf(vec![
            QueryItem { types: vec!["Other".into()], tags: vec![] },
            both("Happened"),
        ]),
    ]
}

#[tokio::test]
async fn events_that_are_looked_for_in_a_partition_that_is_gone_are_not_passed_over() {
    let schema = TestSchema::partitioned();
    let (store, other) = (schema.open().await, schema.open().await);
    let events = (0..350).map(|_| NewEvent { tags: vec![Tag::new("of:1").unwrap()], ..event() });
    store.append(Append::one(stream("a-1"), ANY, events.collect())).await.unwrap();
    let in_category = |query: EventQuery| EventFilter { query, ..EventFilter::category("a") };
    let filters = || {
        let queries =
            queries().into_iter().flat_map(|query| [query.clone().into(), in_category(query)]);
        queries.chain([EventFilter::category("a")])
    };
    for filter in filters() {
        let page = store.read_log(LogRead::after(filter, Position::ZERO)).await.unwrap();
        assert_eq!(page.events.len(), 350);
    }
    schema.run("ALTER TABLE {s}.events DETACH PARTITION {s}.events_2").await;
    for filter in filters() {
        damaged(store.read_log(LogRead::after(filter.clone(), Position::ZERO)).await);
        damaged(store.read_log(LogRead::after(filter.clone(), Position::new(150))).await);
        damaged(store.read_log(LogRead::backward(filter.clone())).await);
        // What is there can be read.
        let few = PageLimit { events: 50, ..PageLimit::default() };
        let page = store.read_log(LogRead::after(filter.clone(), Position::ZERO).limit(few)).await;
        assert_eq!(page.unwrap().events.len(), 50);
        let page = store.read_log(LogRead::after(filter, Position::new(200))).await;
        assert_eq!(page.unwrap().events.len(), 150);
    }
    // The other store does not remember the events, so it looks for them.
    let on_condition = |query: EventQuery| {
        let condition = Some(AppendCondition { query, after: Position::ZERO });
        Append { condition, ..append("b-1", ANY) }
    };
    let error = other.append(on_condition(EventQuery::types(["Other"]))).await.unwrap_err();
    assert!(matches!(error, AppendError::Store(StoreError::Damaged { .. })), "{error:?}");
    let other_of_tag =
        QueryItem { types: vec!["Other".into()], tags: vec![Tag::new("of:1").unwrap()] };
    let refused = other.append(on_condition(EventQuery::AnyOf(vec![other_of_tag]))).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn a_log_whose_newest_partitions_are_gone_is_not_read_as_a_shorter_one() {
    let schema = TestSchema::partitioned();
    let store = schema.open().await;
    fill(&store, "a-1", 150).await;
    assert_eq!(store.head().await.unwrap().get(), 150);
    schema.run("ALTER TABLE {s}.events DETACH PARTITION {s}.events_2").await;
    damaged(store.head().await);
    let read = LogRead::after(EventFilter::all(), Position::ZERO);
    damaged(store.read_log(read.clone()).await);
    damaged(store.read_log(LogRead::after(EventFilter::all(), Position::new(100))).await);
    let page = store.read_log(read.limit(PageLimit { events: 50, ..PageLimit::default() })).await;
    assert_eq!(page.unwrap().events.len(), 50, "what is there can be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_version_that_was_taken_while_an_append_waited_is_not_given_out_again() {
    for events in [1, 2] {
        let schema = TestSchema::partitioned();
        let store = schema.open().await;
        // The second one is written on what the store remembers, by a plain INSERT.
        fill(&store, "a-1", 1).await;
        fill(&store, "a-1", 1).await;
        let mut admin = client().await;
        let holder = admin.transaction().await.unwrap();
        // As the store does it: 'Luce', and the number of the schema.
        let lock = "SELECT pg_advisory_xact_lock(1282761573, \
                    $1::text::regnamespace::oid::bigint::bit(32)::integer)";
        holder.execute(lock, &[&schema.name]).await.unwrap();
        let appending = tokio::spawn({
            let events = (0..events).map(|_| event()).collect();
            let exact = ExpectedVersion::Exact(Version::new(2));
            let append = Append::one(stream("a-1"), exact, events);
            async move { store.append(append).await }
        });
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND objid = $1::text::regnamespace::oid";
        let waits = async {
            while holder.query_one(waiting, &[&schema.name]).await.unwrap().get::<_, i64>(0) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waits).await.expect("it waits for the lock");
        let take = format!("UPDATE {}.streams SET version = 7, previous = 2", schema.name);
        holder.batch_execute(&take).await.unwrap();
        holder.commit().await.unwrap();
        let error = appending.await.unwrap().unwrap_err();
        let AppendError::Conflict(VersionConflict::WrongVersion { found, .. }) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*found, Version::new(7));
        assert_eq!(value::<i64>(&schema, "SELECT count(*) FROM {s}.events").await, 2);
    }
}
