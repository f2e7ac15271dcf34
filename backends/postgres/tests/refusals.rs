//! What happens when the server is there and says no: it has no connection left, cancels statements,
//! undoes transactions, or has tables of another version.

use std::time::Duration;

use lucent_core::{
    EventId, Position, Version,
    store::{AppendError, EventFilter, EventStore as _, ExpectedVersion, LogRead, StoreError},
};
use lucent_postgres::PostgresStore;

use crate::{
    events::{append, stream},
    load::{Load, assert_helpful},
    server::{TestSchema, client, url},
};

const ANY: ExpectedVersion = ExpectedVersion::Any;

async fn appended(store: &PostgresStore, name: &str) -> EventId {
    let append = append(name, ANY);
    let id = append.writes[0].events[0].id;
    store.append(append).await.unwrap();
    id
}

async fn events(store: &PostgresStore) -> Vec<EventId> {
    let read = LogRead::after(EventFilter::all(), Position::ZERO);
    store.read_log(read).await.unwrap().events.iter().map(|event| event.id).collect()
}

/// The server's address with a setting for every session.
fn with_setting(setting: &str) -> String {
    format!("{}?options=-c%20{setting}", url())
}

/// A user of the server who may have this many connections, and who is gone at the end.
struct LimitedUser {
    name: String,
    schema: TestSchema,
}

impl LimitedUser {
    async fn create(connections: usize) -> Self {
        let schema = TestSchema::new();
        let name = format!("{}_user", schema.name);
        schema
            .run(&format!(
                "CREATE ROLE {name} LOGIN PASSWORD 'secret' CONNECTION LIMIT {connections}; \
                 CREATE SCHEMA {{s}} AUTHORIZATION {name}"
            ))
            .await;
        Self { name, schema }
    }

    fn url(&self) -> String {
        let url = url();
        let (_, host) = url.rsplit_once('@').expect("the server's address names a user");
        format!("postgres://{}:secret@{host}", self.name)
    }

    async fn set_limit(&self, connections: usize) {
        let sql = format!("ALTER ROLE {} CONNECTION LIMIT {connections}", self.name);
        self.schema.run(&sql).await;
    }

    async fn drop(self) {
        let schema = format!("DROP SCHEMA {} CASCADE", self.schema.name);
        let client = client().await;
        client.batch_execute(&schema).await.unwrap();
        client.batch_execute(&format!("DROP ROLE {}", self.name)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_without_a_free_connection_makes_the_store_busy_until_there_is_one() {
    let user = LimitedUser::create(1).await;
    let builder = || {
        let builder = PostgresStore::builder(user.url()).schema(&user.schema.name).readers(2);
        builder.patience(Duration::from_millis(100)).outcome_timeout(Duration::from_millis(100))
    };
    let refused = |error: StoreError| {
        assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
        assert!(error.to_string().contains("raise `max_connections`"), "{error}");
    };
    // The one connection reads, so none is left for appends.
    let store = builder().connect().await.unwrap();
    match store.append(append("a-1", ANY)).await.unwrap_err() {
        AppendError::Store(error) => refused(error),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.head().await.unwrap(), Position::ZERO);
    refused(builder().connect().await.unwrap_err());
    user.set_limit(8).await;
    let first = appended(&store, "a-1").await;
    assert_eq!(events(&store).await, [first]);
    store.close().await;
    drop(store);
    user.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_statement_that_the_server_cancels_makes_the_store_busy_and_writes_nothing() {
    for schema in TestSchema::of_each_layout() {
        let impatient = with_setting("statement_timeout%3D300");
        let store = schema.builder_at(impatient).connect().await.unwrap();
        let first = appended(&store, "a-1").await;
        let admin = client().await;
        let hold = format!("BEGIN; LOCK TABLE {}.events IN ACCESS EXCLUSIVE MODE", schema.name);
        admin.batch_execute(&hold).await.unwrap();
        let (refused, read) = tokio::join!(store.append(append("a-2", ANY)), store.head());
        let refused = refused.unwrap_err();
        assert!(matches!(refused, AppendError::Store(StoreError::Busy { .. })), "{refused:?}");
        assert!(refused.to_string().contains("the server canceled the statement"), "{refused}");
        assert!(matches!(read, Err(StoreError::Busy { .. })), "{read:?}");
        admin.batch_execute("ROLLBACK").await.unwrap();
        let second = appended(&store, "a-1").await;
        assert_eq!(events(&store).await, [first, second]);
    }
}

/// Has the database raise an error at insertions for as long as a sequence is below a number.
async fn sabotage(schema: &TestSchema, code: &str, times: u32) {
    let function = format!(
        "CREATE SEQUENCE {{s}}.sabotages; \
         CREATE FUNCTION {{s}}.sabotage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF nextval('{{s}}.sabotages') <= {times} THEN \
             RAISE EXCEPTION 'sabotage' USING ERRCODE = '{code}'; \
           END IF; RETURN NEW; END $$; \
         CREATE TRIGGER sabotage BEFORE INSERT ON {{s}}.events \
           FOR EACH STATEMENT EXECUTE FUNCTION {{s}}.sabotage()"
    );
    schema.run(&function).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_others_undo_is_tried_again() {
    for (code, schema) in ["40001", "40P01"].into_iter().zip(TestSchema::of_each_layout()) {
        let store = schema.open().await;
        let first = appended(&store, "a-1").await;
        sabotage(&schema, code, 3).await;
        let second = appended(&store, "a-1").await;
        assert_eq!(events(&store).await, [first, second]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_others_always_undo_makes_the_store_busy() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.builder().patience(Duration::from_millis(100)).connect().await.unwrap();
        let first = appended(&store, "a-1").await;
        sabotage(&schema, "40001", 1_000_000).await;
        let refused = store.append(append("a-1", ANY)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Store(StoreError::Busy { .. })), "{refused:?}");
        assert_helpful(&refused);
        schema.run("DROP TRIGGER sabotage ON {s}.events").await;
        let second = appended(&store, "a-1").await;
        assert_eq!(events(&store).await, [first, second]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_when_transactions_are_undone_under_load() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.builder().patience(Duration::from_millis(50)).connect().await.unwrap();
        let load = Load::start(&store, 8);
        load.acknowledges(50).await;
        sabotage(&schema, "40001", 30).await;
        load.acknowledges(100).await;
        load.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_that_is_migrated_while_the_store_is_open_stops_its_appends() {
    for (schema, append_function) in
        TestSchema::of_each_layout().into_iter().zip(["append", "append_partitioned"])
    {
        let store = schema.open().await;
        appended(&store, "a-1").await;
        // As each step of a migration does that older programs must not write after.
        let migrate = "UPDATE {s}.ledger SET schema_version = 99; DROP FUNCTION {s}.";
        schema.run(&format!("{migrate}{append_function}")).await;
        for _ in 0..2 {
            let refused = store.append(append("a-1", ANY)).await.unwrap_err();
            assert!(
                matches!(refused, AppendError::Store(StoreError::NewerSchema { found: 99, .. })),
                "{refused:?}"
            );
            assert!(refused.to_string().contains("update the program"), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_that_is_gone_is_not_replaced_by_an_empty_one() {
    for schema in TestSchema::of_each_layout() {
        let store = schema.open_as_itself().await;
        appended(&store, "a-1").await;
        schema.run("DROP SCHEMA {s} CASCADE").await;
        end_sessions(&schema.name).await;
        let refused = store.append(append("a-1", ANY)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Store(StoreError::NotAStore { .. })), "{refused:?}");
        let again = schema.open().await;
        assert_eq!(again.stream_version(&stream("a-1")).await.unwrap(), Version::ZERO);
        assert_eq!(store.append(append("a-1", ANY)).await.unwrap().position, Position::new(1));
    }
}

/// Ends every session of an application, so that it has to connect again.
pub(crate) async fn end_sessions(application: &str) {
    let ended = client()
        .await
        .query(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE application_name = $1",
            &[&application],
        )
        .await;
    assert!(!ended.expect("the server answers").is_empty(), "no session was ended");
}
