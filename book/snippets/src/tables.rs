//! Projectors that write tables of their own.
//!
//! Invariant: what readers of the tables may rely on is committed with the checkpoint.

use std::{error::Error, time::Duration};

use lucent_core::{prelude::*, store::StoreError};
use lucent_postgres::{PostgresStore, SqlFailure, SqlProjector, SqlTx};

use crate::{
    Registry,
    account::{AccountEvent, AccountId, Withdraw},
};

// ANCHOR: projector
pub struct Turnover;

impl SqlProjector for Turnover {
    type Event = AccountEvent;
    const NAME: &'static str = "turnover";
    const VERSION: u32 = 1;
    const TABLES: &'static str =
        "CREATE TABLE accounts (id text PRIMARY KEY, owner text, paid_out bigint);
         CREATE INDEX ON accounts (owner)";

    async fn project(
        &self,
        tx: &SqlTx,
        event: &AccountEvent,
        at: &RecordedEvent,
    ) -> Result<(), SqlFailure> {
        let id = at.stream.key();
        match event {
            AccountEvent::AccountOpened { owner } => {
                tx.execute("INSERT INTO accounts VALUES ($1, $2, 0)", &[&id, owner]).await?;
            }
            AccountEvent::MoneyWithdrawn { amount } => {
                let add = "UPDATE accounts SET paid_out = paid_out + $2 WHERE id = $1";
                tx.execute(add, &[&id, &i64::try_from(*amount)?]).await?;
            }
            AccountEvent::MoneyDeposited { .. } => {}
        }
        Ok(())
    }
}
// ANCHOR_END: projector

// ANCHOR: connect
pub async fn connect() -> Result<PostgresStore, StoreError> {
    PostgresStore::builder("postgres://app@localhost/bank").projector(Turnover).connect().await
}
// ANCHOR_END: connect

// ANCHOR: partitioned
pub async fn connect_in_parts() -> Result<PostgresStore, StoreError> {
    PostgresStore::builder("postgres://app@localhost/bank")
        .partitioned_by_positions(10_000_000)
        .connect()
        .await
}
// ANCHOR_END: partitioned

// ANCHOR: wait
/// What an owner was paid out, this withdrawal included.
pub async fn pay_out(
    app: &App<Registry>,
    db: &tokio_postgres::Client,
    (account, amount, owner): (AccountId, u64, &str),
) -> Result<i64, Box<dyn Error>> {
    let done = app.execute(Withdraw { account, amount }).await?;
    app.projection("turnover")?.wait_for(done.position, Duration::from_secs(2)).await?;
    let total = "SELECT sum(paid_out)::bigint FROM lucent_turnover.accounts WHERE owner = $1";
    Ok(db.query_one(total, &[&owner]).await?.try_get(0)?)
}
// ANCHOR_END: wait
