//! What happens when the server, or somebody at it, misbehaves.

use std::{collections::HashSet, time::Duration};

use lucent_core::{
    Position, StreamId, Version,
    store::{AppendError, EventFilter, EventStore as _, ExpectedVersion, LogRead, StoreError},
};
use lucent_postgres::PostgresStore;
use tokio_postgres::Client;

use crate::{
    events::append,
    load::Load,
    server::{TestSchema, client, url, with_causes},
};

/// Every connection of the stores of this test that appended last.
async fn end_writers(admin: &Client, schema: &TestSchema) -> i64 {
    let row = admin
        .query_one(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE pid <> pg_backend_pid() AND query ~ ($1 || '\"?[.](append|events \\(position, stream|streams AS s \\()')",
            &[&schema.name],
        )
        .await
        .expect("the server answers");
    row.get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_when_connections_are_cut_under_load() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.open().await;
        let admin = client().await;
        let writers = (0..8).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let stream = format!("cut-{number}");
                for version in 0..200 {
                    let expected = ExpectedVersion::Exact(Version::new(version));
                    let appended = store.append(append(&stream, expected)).await;
                    let appended =
                        appended.unwrap_or_else(|error| panic!("{}", with_causes(&error)));
                    assert_eq!(appended.versions, [Version::new(version + 1)]);
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut cut = 0;
        for reached in 1..16 {
            store.wait_past(Position::new(reached * 100)).await.unwrap();
            cut += end_writers(&admin, &schema).await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(cut > 0, "no connection was cut, so nothing was tested");
        assert_eq!(store.head().await.unwrap(), Position::new(8 * 200));
    }
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_makes_appends_busy_and_writes_nothing() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.builder().patience(Duration::from_millis(200)).connect().await.unwrap();
        store.append(append("s-1", ExpectedVersion::NoStream)).await.unwrap();
        let admin = client().await;
        let hold = format!("BEGIN; LOCK TABLE {}.events IN ACCESS EXCLUSIVE MODE", schema.name);
        admin.batch_execute(&hold).await.unwrap();
        let refused = store.append(append("s-1", ExpectedVersion::Any)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Store(StoreError::Busy { .. })), "{refused:?}");
        admin.batch_execute("ROLLBACK").await.unwrap();
        let appended = store.append(append("s-1", ExpectedVersion::Any)).await.unwrap();
        assert_eq!(appended.position, Position::new(2));
    }
}

/// Has every event of the stream `held-1` wait, once it is inserted, for a lock that anybody can hold.
async fn hold_back(schema: &TestSchema) {
    schema
        .run(
            "CREATE FUNCTION {s}.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               PERFORM pg_advisory_xact_lock(77, '{s}'::regnamespace::oid::bigint::bit(32)::integer); \
               RETURN NULL; END $$; \
             CREATE TRIGGER hold AFTER INSERT ON {s}.events \
               FOR EACH ROW WHEN (NEW.stream = 'held-1') EXECUTE FUNCTION {s}.hold()",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscriber_misses_nothing_while_a_writer_is_held_back_by_a_lock_of_another_connection() {
    const KEY: &str = "$1::text::regnamespace::oid::bigint::bit(32)::integer";
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                   AND classid = 77 AND objid = $1::text::regnamespace::oid";
    for schema in TestSchema::of_each_layout() {
        let (store, slow) = (schema.open().await, schema.open().await);
        hold_back(&schema).await;
        let mut admin = client().await;
        let load = Load::start(&store, 4);
        let mut held = HashSet::new();
        for _ in 0..5 {
            load.acknowledges(50).await;
            let holder = admin.transaction().await.unwrap();
            let lock = format!("SELECT pg_advisory_xact_lock(77, {KEY})");
            holder.execute(&lock, &[&schema.name]).await.unwrap();
            let append = append("held-1", ExpectedVersion::Any);
            held.insert(append.writes[0].events[0].id);
            let slow = slow.clone();
            let appending = tokio::spawn(async move { slow.append(append).await });
            // Its event has a position, which is not visible; nobody may see a later one before it.
            let waits = async {
                while holder.query_one(waiting, &[&schema.name]).await.unwrap().get::<_, i64>(0)
                    == 0
                {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), waits)
                .await
                .expect("it waits for the lock");
            assert!(!appending.is_finished());
            holder.commit().await.unwrap();
            appending.await.unwrap().unwrap();
        }
        load.check_beside(held).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_that_append_at_once_agree_on_one_order() {
    for schema in TestSchema::of_each_layout() {
        let stores = [schema.open().await, schema.open().await];
        let writers = (0..16).map(|number| {
            let store = stores[number % 2].clone();
            tokio::spawn(async move {
                for version in 0..50 {
                    let own = append(
                        &format!("own-{number}"),
                        ExpectedVersion::Exact(Version::new(version)),
                    );
                    store.append(own).await.unwrap();
                    store.append(append("shared-1", ExpectedVersion::Any)).await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let read = LogRead::after(EventFilter::all(), Position::ZERO);
        let [page, other] = [stores[0].read_log(read.clone()), stores[1].read_log(read)];
        let (page, other) = (page.await.unwrap(), other.await.unwrap());
        let limit = usize::min(1_000, 16 * 100);
        assert_eq!((page.events.len(), &page), (limit, &other));
        assert_eq!(stores[0].head().await.unwrap(), Position::new(16 * 100));
        let shared = StreamId::new("shared-1").unwrap();
        assert_eq!(stores[1].stream_version(&shared).await.unwrap(), Version::new(16 * 50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_stores_may_make_the_same_tables_at_once() {
    for schema in TestSchema::of_each_layout() {
        let opening = (0..8).map(|_| {
            let builder = schema.builder();
            tokio::spawn(async move { builder.connect().await.map(drop) })
        });
        for opened in opening.collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn ledgers_of_one_database_are_apart() {
    let schema = TestSchema::new();
    let main = schema.open().await;
    let other = TestSchema::named(format!("{}_b", schema.name));
    let billing = schema.builder().ledger("b").connect().await.unwrap();
    main.append(append("s-1", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(billing.head().await.unwrap(), Position::ZERO);
    let first = billing.append(append("s-1", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(first.position, Position::new(1));
    drop(other);
}

#[tokio::test]
async fn a_newer_schema_and_foreign_tables_are_left_alone() {
    let schema = TestSchema::new();
    schema.open().await.close().await;
    schema.run("UPDATE {s}.ledger SET schema_version = 99").await;
    let refused = schema.builder().connect().await.unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { found: 99, .. }), "{refused:?}");

    let foreign = TestSchema::new();
    foreign.run("CREATE SCHEMA {s}; CREATE TABLE {s}.events (x int)").await;
    let refused = foreign.builder().connect().await.unwrap_err();
    assert!(matches!(refused, StoreError::NotAStore { .. }), "{refused:?}");
}

#[tokio::test]
async fn tables_that_are_dropped_while_the_store_is_open_are_reported() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.open().await;
        store.append(append("s-1", ExpectedVersion::NoStream)).await.unwrap();
        schema.run("DROP SCHEMA {s} CASCADE").await;
        let refused = store.append(append("s-1", ExpectedVersion::Any)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Store(StoreError::NotAStore { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn wrong_addresses_are_refused_with_a_remedy() {
    let good = url();
    let (start, database) = good.rsplit_once('/').unwrap();
    let (_, host) = start.rsplit_once('@').unwrap();
    let cases = [
        (format!("postgres://lucent:wrong@{host}/{database}"), "check the user and the password"),
        (format!("{start}/no_such_database"), "make the database first"),
        ("no address".to_owned(), "write it as `postgres://"),
    ];
    for (url, remedy) in cases {
        let error = PostgresStore::connect(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Inaccessible { .. }), "{url}: {error:?}");
        let refused = with_causes(&error);
        assert!(refused.contains(remedy), "{url}: {refused}");
        assert!(!refused.contains("wrong@"), "the password is shown: {refused}");
    }
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn a_program_without_tls_does_not_pretend_to_encrypt() {
    for setting in ["sslmode=require", "sslmode=verify-full", "sslrootcert=ca.pem"] {
        let error = PostgresStore::connect(format!("{}?{setting}", url())).await.unwrap_err();
        assert!(matches!(error, StoreError::Inaccessible { .. }), "{setting}: {error:?}");
        assert!(error.to_string().contains("with the feature `tls`"), "{setting}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let error = PostgresStore::connect("postgres://lucent@127.0.0.1:1/x").await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(with_causes(&error).contains("see that the server runs"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_writes_is_named_as_such() {
    for schema in TestSchema::of_each_layout() {
        schema.open().await.close().await;
        let read_only = format!("{}?options=-c%20default_transaction_read_only%3Don", url());
        let store = schema.builder_at(read_only).connect().await.unwrap();
        let refused = store.append(append("s-1", ExpectedVersion::Any)).await.unwrap_err();
        assert!(
            matches!(refused, AppendError::Store(StoreError::Inaccessible { .. })),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("connect to the primary"), "{refused}");
    }
}

#[tokio::test]
async fn waiting_outlives_the_listening_connection() {
    for schema in TestSchema::of_each_layout() {
        let (store, other) = (schema.open().await, schema.open().await);
        let admin = client().await;
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.wait_past(Position::ZERO).await }
        });
        let ended = admin
            .query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%' || $1 || '%' \
                 AND pid <> pg_backend_pid()",
                &[&schema.name],
            )
            .await;
        assert!(!ended.unwrap().is_empty());
        other.append(append("s-1", ExpectedVersion::Any)).await.unwrap();
        let woken = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
        assert_eq!(woken.unwrap().unwrap(), Position::new(1));
    }
}
