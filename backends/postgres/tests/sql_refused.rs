//! What SQL projectors refuse, and what is refused of them: inline ones, wrong statements, wrong tables.

use std::sync::Arc;

use lucent_core::{prelude::*, store::StoreError};
use lucent_postgres::{PostgresBuilder, SqlFailure, SqlProjector, SqlTx};

use crate::{
    server::{TestSchema, client, with_causes},
    sql::{
        Account, AccountEvent, AccountId, Deposit, TABLES, Tables, Totals, add, balance, pay,
        start, value, wait_for,
    },
};

struct InlineTotals;

impl SqlProjector for InlineTotals {
    type Event = AccountEvent;
    const NAME: &'static str = "totals";
    const VERSION: u32 = 1;
    const CONSISTENCY: Consistency = Consistency::Inline;
    const TABLES: &'static str = TABLES;

    async fn project(
        &self,
        tx: &SqlTx,
        event: &AccountEvent,
        at: &RecordedEvent,
    ) -> Result<(), SqlFailure> {
        add(tx, event, at).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_inline_sql_projector_is_part_of_the_append() {
    for schema in TestSchema::of_each_layout() {
        let _tables = Tables::drop_later(&schema);
        let app = start(schema.builder()).await;
        pay(&app, "early", &[1, 2]).await;
        app.shutdown().await;
        let app = start(schema.builder().projector(InlineTotals)).await;
        assert_eq!(balance(&schema, "early").await, 3, "it is up to date at the start");
        // Those that are refused do not take others of their batch along.
        let app = Arc::new(app);
        let callers = (0..40).map(|number| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let bad = [13, 14, 15].get(number % 8).copied();
                let amounts = vec![1, bad.unwrap_or(2)];
                let account = AccountId(format!("a{number}"));
                let outcome = app.execute(Deposit { account: account.clone(), amounts }).await;
                assert_eq!(outcome.is_err(), bad.is_some(), "{outcome:?}");
                let seen = outcome.is_ok();
                (account, seen)
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            let (account, seen) = caller.await.unwrap();
            let (expected, events) = if seen { (3, 2) } else { (0, 0) };
            assert_eq!(balance(&schema, &account.to_string()).await, expected);
            assert_eq!(app.load::<Account>(&account).await.unwrap().version.get(), events);
        }
        let counted = "SELECT count(*) FROM {t}.seen";
        let stored = app.store().head().await.unwrap().get();
        assert_eq!(value::<i64>(&schema, counted).await.unsigned_abs(), stored);
        // Somebody who does not have the projector appends; the next one catches up.
        let other = start(schema.builder()).await;
        pay(&other, "other", &[9]).await;
        pay(&app, "early", &[1]).await;
        assert_eq!((balance(&schema, "other").await, balance(&schema, "early").await), (9, 4));
    }
}

/// Says what a projector function did wrong.
async fn reason<P: SqlProjector>(projector: P) -> String {
    let schema = TestSchema::new();
    let _tables = Tables::drop_later(&schema);
    let app = start(schema.builder().projector(projector)).await;
    let last = pay(&app, "a", &[1]).await;
    wait_for(&app, last).await;
    let lines = app.projection("totals").unwrap().parked().await.unwrap();
    lines[0].first.reason.clone().expect("it has failed")
}

macro_rules! wrong {
    ($name:ident: $tables:literal, $sql:literal, $values:expr) => {
        struct $name;

        impl SqlProjector for $name {
            type Event = AccountEvent;
            const NAME: &'static str = "totals";
            const VERSION: u32 = 1;
            const TABLES: &'static str = $tables;

            async fn project(
                &self,
                tx: &SqlTx,
                _: &AccountEvent,
                _: &RecordedEvent,
            ) -> Result<(), SqlFailure> {
                Ok(tx.execute($sql, $values).await?)
            }
        }
    };
}

wrong!(Commits: "", " /* done */ commit", &[]);
wrong!(Forgets: "", "SELECT $1::bigint", &[]);
wrong!(Confuses: "", "SELECT $1::bigint", &[&"text"]);
wrong!(Misspells: "", "SELEKT", &[]);
wrong!(Unmade: "CREATE TABEL x ()", "SELECT 1", &[]);
wrong!(Ending: "CREATE TABLE x (); COMMIT", "SELECT 1", &[]);

#[tokio::test]
async fn what_is_wrong_with_a_statement_is_told_with_it() {
    for (told, expected) in [
        (reason(Commits).await, "it would begin or end a transaction"),
        (reason(Forgets).await, "it takes 1 values, and got 0"),
        (reason(Confuses).await, "$1, a int8"),
        (reason(Misspells).await, "syntax error at or near \"SELEKT\""),
    ] {
        assert!(told.contains(expected), "{told}");
    }
}

async fn refusal(builder: PostgresBuilder) -> String {
    let error = builder.connect().await.expect_err("it cannot be opened");
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    with_causes(&error)
}

#[tokio::test]
async fn tables_that_cannot_be_made_are_refused_when_the_store_is_opened() {
    let schema = TestSchema::new();
    let _tables = Tables::drop_later(&schema);
    let told = refusal(schema.builder().projector(Unmade)).await;
    assert!(told.contains("syntax error at or near \"TABEL\""), "{told}");
    let told = refusal(schema.builder().projector(Ending)).await;
    assert!(told.contains("end the transaction"), "{told}");
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let schema = TestSchema::new();
    let _tables = Tables::drop_later(&schema);
    client().await.batch_execute(&format!("CREATE SCHEMA {}_totals", schema.name)).await.unwrap();
    let told = refusal(schema.builder().projector(Totals::<1>)).await;
    assert!(told.contains("is not this projector's"), "{told}");
    let gone = "SELECT count(*) FROM pg_class WHERE relnamespace = '{t}'::regnamespace";
    assert_eq!(value::<i64>(&schema, gone).await, 0);
}
