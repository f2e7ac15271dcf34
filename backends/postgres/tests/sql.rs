//! Projectors that write tables of their own, on the real server.

use std::time::Duration;

use lucent_core::{ParkingPolicy, ProjectionState, prelude::*, store::ParkedKey};
use lucent_postgres::{PostgresBuilder, SqlFailure, SqlProjector, SqlTx};
use tokio_postgres::types::FromSqlOwned;

use crate::server::{TestSchema, client, with_causes};

#[derive(AggregateId)]
pub(crate) struct AccountId(pub(crate) String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum AccountEvent {
    Deposited { amount: i64 },
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent)]
pub(crate) struct Account;

impl Evolve for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Account)]
pub(crate) struct Deposit {
    #[id]
    pub(crate) account: AccountId,
    pub(crate) amounts: Vec<i64>,
}

#[command_handler]
fn deposit(_: &Account, command: &Deposit) -> Decision<AccountEvent> {
    let events = command.amounts.iter().map(|amount| AccountEvent::Deposited { amount: *amount });
    Decision::all(events)
}

pub(crate) mod registered {
    lucent_core::registry! { functions: [super::deposit] }
}

pub(crate) const TABLES: &str = "CREATE TABLE balances (account text PRIMARY KEY, balance bigint NOT NULL); \
     CREATE TABLE seen (position bigint NOT NULL, amount bigint NOT NULL CHECK (amount <> 13))";

const NOTE: &str = "INSERT INTO seen VALUES ($1, $2)";

const ADD: &str = "INSERT INTO balances VALUES ($1, $2) \
     ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance";

/// Adds up, notes what it has seen, and fails at the amount of 13 by a constraint, at 14 by an error,
/// and at 15 by a panic.
pub(crate) async fn add(
    tx: &SqlTx,
    event: &AccountEvent,
    at: &RecordedEvent,
) -> Result<(), SqlFailure> {
    let AccountEvent::Deposited { amount } = event;
    let position = i64::try_from(at.position.get())?;
    tx.execute(NOTE, &[&position, amount]).await?;
    tx.execute(ADD, &[&at.stream.key(), amount]).await?;
    match amount {
        14 => Err("fourteen".into()),
        15 => panic!("fifteen"),
        _ => Ok(()),
    }
}

/// What [`add`] makes of the events; the second version counts everything twice.
pub(crate) struct Totals<const VERSION: u32>;

impl<const VERSION: u32> SqlProjector for Totals<VERSION> {
    type Event = AccountEvent;
    const NAME: &'static str = "totals";
    const VERSION: u32 = VERSION;
    const TABLES: &'static str = TABLES;

    async fn project(
        &self,
        tx: &SqlTx,
        event: &AccountEvent,
        at: &RecordedEvent,
    ) -> Result<(), SqlFailure> {
        for _ in 0..VERSION {
            add(tx, event, at).await?;
        }
        Ok(())
    }
}

pub(crate) type Running = App<registered::Registry>;

pub(crate) async fn start(builder: PostgresBuilder) -> Running {
    let store = match builder.connect().await {
        Ok(store) => store,
        Err(error) => panic!("{}", with_causes(&error)),
    };
    let parking = ParkingPolicy { tries: 2, pause: Duration::from_millis(1), keys: 100 };
    let app = App::new(registered::registry()).store(store).parking(parking).start().await;
    app.expect("the application starts")
}

pub(crate) async fn pay(app: &Running, account: &str, amounts: &[i64]) -> Position {
    let command = Deposit { account: AccountId(account.to_owned()), amounts: amounts.to_vec() };
    app.execute(command).await.expect("a deposit succeeds").position
}

pub(crate) async fn wait_for(app: &Running, position: Position) {
    let totals = app.projection("totals").expect("it runs");
    totals.wait_for(position, Duration::from_secs(60)).await.expect("it gets there");
}

/// One value, by a connection that knows nothing of projectors; `{t}` is the schema that readers use.
pub(crate) async fn value<T: FromSqlOwned>(schema: &TestSchema, sql: &str) -> T {
    let sql = sql.replace("{t}", &format!("{}_totals", schema.name));
    match client().await.query_one(&sql, &[]).await {
        Ok(row) => row.get(0),
        Err(error) => panic!("{sql}: {}", with_causes(&error)),
    }
}

pub(crate) async fn balance(schema: &TestSchema, account: &str) -> i64 {
    let sql = format!(
        "SELECT coalesce((SELECT balance FROM {{t}}.balances WHERE account = '{account}'), 0)"
    );
    value(schema, &sql).await
}

/// Drops what a projector leaves beside its ledger.
pub(crate) struct Tables;

impl Tables {
    pub(crate) fn drop_later(schema: &TestSchema) -> Vec<TestSchema> {
        let names = ["", "_v1", "_v2", "_v1_new"];
        names.map(|end| TestSchema::named(format!("{}_totals{end}", schema.name))).into()
    }
}

#[tokio::test]
async fn a_sql_projector_writes_in_the_transaction_of_its_checkpoint() {
    for schema in TestSchema::of_each_layout() {
        let _tables = Tables::drop_later(&schema);
        let app = start(schema.builder()).await;
        let mut last = Position::ZERO;
        for round in 0..50 {
            last = pay(&app, &format!("a{}", round % 5), &[1, 2, 3, 4]).await;
        }
        app.shutdown().await;
        // A projector that is new to the log catches up, in pages.
        let app = start(schema.builder().projector(Totals::<1>)).await;
        wait_for(&app, last).await;
        assert_eq!(balance(&schema, "a0").await, 100);
        assert_eq!(value::<i64>(&schema, "SELECT count(*) FROM {t}.seen").await, 200);
        let distinct = "SELECT count(DISTINCT position) FROM {t}.seen";
        assert_eq!(value::<i64>(&schema, distinct).await, 200);
        let transactions = "SELECT count(DISTINCT xmin::text) FROM {t}.seen";
        assert_eq!(value::<i64>(&schema, transactions).await, 1, "a page is one transaction");
        let last = pay(&app, "b", &[5]).await;
        wait_for(&app, last).await;
        assert_eq!(balance(&schema, "b").await, 5);
        let status = app.projections().into_iter().next().expect("it is listed");
        assert_eq!(&*status.projection.name, "totals");
        assert_eq!((status.position, status.lag, status.active_version), (last, 0, 1));
    }
}

#[tokio::test]
async fn an_event_that_sql_refuses_is_parked_by_its_stream_and_can_be_retried() {
    for schema in TestSchema::of_each_layout() {
        let _tables = Tables::drop_later(&schema);
        let app = start(schema.builder().projector(Totals::<1>)).await;
        pay(&app, "refused", &[1, 13, 2]).await;
        pay(&app, "failed", &[1, 14, 2]).await;
        pay(&app, "panicked", &[1, 15, 2]).await;
        let last = pay(&app, "good", &[7]).await;
        wait_for(&app, last).await;
        for stream in ["refused", "failed", "panicked"] {
            assert_eq!(balance(&schema, stream).await, 1, "{stream}");
        }
        assert_eq!(balance(&schema, "good").await, 7);
        let totals = app.projection("totals").unwrap();
        let lines = totals.parked().await.unwrap();
        let told: Vec<_> =
            lines.iter().map(|line| (line.first.stream.key().to_owned(), line.events)).collect();
        let expected = ["failed", "panicked", "refused"].map(|stream| (stream.to_owned(), 2));
        assert_eq!(told, expected);
        let reasons: Vec<_> = lines.into_iter().filter_map(|line| line.first.reason).collect();
        assert_eq!(reasons[..2], ["fourteen", "it panicked: fifteen"]);
        assert!(reasons[2].contains("violates check constraint"), "{}", reasons[2]);

        // What comes later waits, and a retry that fails again changes nothing.
        let last = pay(&app, "refused", &[4]).await;
        wait_for(&app, last).await;
        assert_eq!(balance(&schema, "refused").await, 1);
        let retried = totals.retry_all().await.unwrap();
        assert_eq!((retried.applied, retried.failures.len()), (0, 3));
        let repair =
            format!("ALTER TABLE {}_totals.seen DROP CONSTRAINT seen_amount_check", schema.name);
        client().await.batch_execute(&repair).await.unwrap();
        let retried = totals.retry("account-refused").await.unwrap();
        assert_eq!((retried.applied, retried.failures.len()), (3, 0));
        assert_eq!(balance(&schema, "refused").await, 1 + 13 + 2 + 4);
        let (dropped, rest) = totals.drop_parked("account-failed").await.unwrap();
        assert_eq!((dropped.stream.key(), rest.applied), ("failed", 1));
        assert_eq!(balance(&schema, "failed").await, 3);
        let left = totals.parked().await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].first.key, ParkedKey::from("account-panicked"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_event_counts_once_while_connections_are_killed_and_programs_replaced() {
    let schema = TestSchema::new();
    let _tables = Tables::drop_later(&schema);
    let writer = start(schema.builder()).await;
    let mut last = Position::ZERO;
    for _ in 0..40 {
        last = pay(&writer, "a", &[1; 500]).await;
    }
    writer.shutdown().await;
    // Two programs have the same projector, and all of their connections are killed again and again.
    let name = format!("app_{}", schema.name);
    let url = format!("{}?application_name={name}", crate::server::url());
    let builder = lucent_postgres::PostgresStore::builder(url).schema(&schema.name).readers(1);
    let one = start(builder.clone().projector(Totals::<1>)).await;
    let two = start(builder.clone().projector(Totals::<1>)).await;
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    );
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = '{name}' AND state <> 'idle' AND query LIKE '%balances%'"
    );
    let killer = client().await;
    let checkpoint =
        format!("SELECT max(checkpoint) FROM {}.projections WHERE name = 'totals'", schema.name);
    let (mut kills, mut killed_at) = (0, -1);
    while killed_at < 20_000 {
        // Between two kills, one step is taken by somebody.
        let reached: i64 = killer.query_one(&checkpoint, &[]).await.unwrap().get(0);
        let busy = killer.query_one(&busy, &[]).await.unwrap().get::<_, i64>(0) > 0;
        if reached > killed_at && (busy || reached == 20_000) {
            kills += killer.query(&kill, &[]).await.unwrap().len();
            killed_at = reached;
        }
    }
    assert!(kills > 0, "no connection was killed");
    drop((one, two));
    let app = start(builder.projector(Totals::<1>)).await;
    let last = std::cmp::max(last, pay(&app, "a", &[1]).await);
    wait_for(&app, last).await;
    assert_eq!(balance(&schema, "a").await, 20_001);
    assert_eq!(value::<i64>(&schema, "SELECT count(*) FROM {t}.seen").await, 20_001);
    let distinct = "SELECT count(DISTINCT position) FROM {t}.seen";
    assert_eq!(value::<i64>(&schema, distinct).await, 20_001);
}

#[tokio::test]
async fn a_rebuild_takes_the_place_of_the_tables_at_once() {
    for schema in TestSchema::of_each_layout() {
        let _tables = Tables::drop_later(&schema);
        let app = start(schema.builder().projector(Totals::<1>)).await;
        let last = pay(&app, "a", &[1, 2, 3]).await;
        wait_for(&app, last).await;
        let spoil = format!("UPDATE {}_totals.balances SET balance = 0", schema.name);
        client().await.batch_execute(&spoil).await.unwrap();
        let totals = app.projection("totals").unwrap();
        totals.rebuild().await.unwrap();
        while totals.rebuilding().is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(balance(&schema, "a").await, 6);
        let last = pay(&app, "a", &[4]).await;
        wait_for(&app, last).await;
        assert_eq!(balance(&schema, "a").await, 10);
        let built = "SELECT to_regnamespace('{t}_v1_new') IS NULL";
        assert!(value::<bool>(&schema, built).await, "the rebuild left its schema behind");
    }
}

#[tokio::test]
async fn a_new_version_is_built_beside_the_old_one_and_readers_see_it_when_it_is_done() {
    let schema = TestSchema::new();
    let _tables = Tables::drop_later(&schema);
    let old = start(schema.builder().projector(Totals::<1>)).await;
    let last = pay(&old, "a", &[1, 2, 3]).await;
    wait_for(&old, last).await;
    old.shutdown().await;
    let new = start(schema.builder().projector(Totals::<2>)).await;
    wait_for(&new, last).await;
    assert_eq!(balance(&schema, "a").await, 12);
    let aside = "SELECT balance FROM {t}_v1.balances";
    assert_eq!(value::<i64>(&schema, aside).await, 6, "the old version is kept");
    let totals = new.projection("totals").unwrap();
    totals.activate(1).await.unwrap();
    assert_eq!(balance(&schema, "a").await, 6);
    assert_eq!(value::<i64>(&schema, "SELECT balance FROM {t}_v2.balances").await, 12);
    // Rolled back, the new version goes on in its own schema.
    pay(&new, "a", &[10]).await;
    totals.activate(2).await.unwrap();
    let last = pay(&new, "a", &[10]).await;
    wait_for(&new, last).await;
    assert_eq!(balance(&schema, "a").await, 52);
    totals.drop_version(1).await.unwrap();
    let gone = "SELECT to_regnamespace('{t}_v1') IS NULL";
    assert!(value::<bool>(&schema, gone).await);
    assert_eq!(new.projections()[0].state, ProjectionState::Following);
}
