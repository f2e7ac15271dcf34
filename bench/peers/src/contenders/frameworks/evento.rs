//! evento on PostgreSQL, as its readme wires it: a write model with rows in memory, and a subscription.

use std::time::Duration;

use ::evento::{
    Executor, Projection, ProjectionAggregate as _, WriteError,
    metadata::Event,
    migrator::{Migrate as _, Plan},
    subscription::{Context, Subscription, SubscriptionBuilder},
};
use async_trait::async_trait;
use sqlx_of_evento::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use super::{BALANCES, PAY_IN, Setup};
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    event::{AMOUNT, NOTE, OPENING, OWNER, REFERENCE},
    sightings,
};

#[::evento::aggregate(name = "bench/Ledger")]
pub enum Ledger {
    AccountOpened { owner: String, reference: String, note: String },
    MoneyDeposited { ticket: u64, amount: u64, balance: u64, reference: String, note: String },
}

/// The write model, with a row per account in memory.
#[::evento::projection(id = id)]
#[::evento::snapshot(memory)]
pub struct WriteModel {
    pub id: String,
    pub balance: u64,
}

#[::evento::handler]
async fn open_row(event: Event<AccountOpened>, row: &mut WriteModel) -> anyhow::Result<()> {
    row.id = event.aggregate_id.to_owned();
    Ok(())
}

#[::evento::handler]
async fn pay_into_row(event: Event<MoneyDeposited>, row: &mut WriteModel) -> anyhow::Result<()> {
    row.balance += event.data.amount;
    Ok(())
}

/// The same without rows in memory, to measure a load.
#[::evento::projection(id = id)]
#[::evento::snapshot(none)]
pub struct Replayed {
    pub id: String,
    pub deposits: u64,
}

#[::evento::handler]
async fn open_replayed(event: Event<AccountOpened>, row: &mut Replayed) -> anyhow::Result<()> {
    row.id = event.aggregate_id.to_owned();
    Ok(())
}

#[::evento::handler]
async fn count_replayed(_event: Event<MoneyDeposited>, row: &mut Replayed) -> anyhow::Result<()> {
    row.deposits += 1;
    Ok(())
}

/// The read model's table is the subscriber's own affair.
#[::evento::subscription]
async fn pay_in<E: Executor>(
    ctx: &Context<'_, E>,
    event: Event<MoneyDeposited>,
) -> anyhow::Result<()> {
    let pool: PgPool = ctx.extract();
    sqlx_of_evento::query(PAY_IN)
        .bind(event.aggregate_id.clone())
        .bind(i64::try_from(event.data.amount)?)
        .execute(&pool)
        .await?;
    sightings::saw(event.data.ticket);
    Ok(())
}

struct Evento {
    executor: ::evento::Postgres,
    pool: PgPool,
}

/// Runs its migrations.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let pool = PgPoolOptions::new().max_connections(setup.pool).connect(&setup.url).await?;
    let mut connection = pool.acquire().await?;
    ::evento::sql_migrator::new::<sqlx_of_evento::Postgres>()
        .map_err(Fault::broken)?
        .run(&mut *connection, &Plan::apply_all())
        .await
        .map_err(Fault::broken)?;
    drop(connection);
    Ok(Box::new(Evento { executor: pool.clone().into(), pool }))
}

#[async_trait]
impl Contender for Evento {
    async fn open_account(&self) -> Result<Account, Fault> {
        let opened = AccountOpened {
            owner: OWNER.to_owned(),
            reference: REFERENCE.to_owned(),
            note: OPENING.to_owned(),
        };
        let id = ::evento::create().event(&opened).commit(&self.executor).await.map_err(fault)?;
        Ok(Account::named(id))
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        let model = Projection::<_, WriteModel>::new::<Ledger>()
            .handler(open_row())
            .handler(pay_into_row())
            .load(&account.text)
            .execute(&self.executor)
            .await
            .map_err(Fault::Broken)?
            .ok_or_else(|| Fault::broken("the account is missing"))?;
        let balance = model.balance.checked_add(AMOUNT).ok_or_else(|| Fault::broken("too much"))?;
        let deposited = MoneyDeposited {
            ticket,
            amount: AMOUNT,
            balance,
            reference: REFERENCE.to_owned(),
            note: NOTE.to_owned(),
        };
        model
            .write()
            .map_err(Fault::broken)?
            .event(&deposited)
            .commit(&self.executor)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let model = self.open_account().await?;
        self.deposit(&model, 0).await?;
        let ids: Vec<_> = (0..accounts).map(|_| Uuid::now_v7().simple().to_string()).collect();
        sqlx_of_evento::query(AssertSqlSafe(COPY))
            .bind(&model.text)
            .bind(&ids)
            .bind(i64::try_from(events)?)
            .execute(&self.pool)
            .await?;
        sqlx_of_evento::query("DELETE FROM event WHERE aggregator_id = $1")
            .bind(&model.text)
            .execute(&self.pool)
            .await?;
        Ok(ids.into_iter().map(Account::named).collect())
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        let replayed = Projection::<_, Replayed>::new::<Ledger>()
            .handler(open_replayed())
            .handler(count_replayed())
            .load(&account.text)
            .execute(&self.executor)
            .await
            .map_err(Fault::Broken)?;
        Ok(replayed.map_or(0, |replayed| replayed.deposits))
    }

    async fn project(&self, _: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        sqlx_of_evento::query(BALANCES).execute(&self.pool).await?;
        let subscription = SubscriptionBuilder::new("balances")
            .data(self.pool.clone())
            .handler(pay_in())
            .chunk_size(1_000)
            .shutdown_grace(Duration::from_millis(100))
            .start(&self.executor)
            .await
            .map_err(Fault::Broken)?;
        Ok(Box::new(Following(subscription)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

struct Following(Subscription);

#[async_trait]
impl Projecting for Following {
    async fn stop(self: Box<Self>) {
        if let Some(reason) = self.0.stop_reason() {
            eprintln!("evento: the subscription stopped: {reason}");
        }
        // A subscription that has panicked has said so by itself.
        drop(self.0.shutdown().await);
    }
}

fn fault(error: WriteError) -> Fault {
    match error {
        WriteError::InvalidOriginalVersion => Fault::Conflict,
        error => Fault::broken(error),
    }
}

/// Rows like the two that the framework wrote, a second apart.
const COPY: &str = "INSERT INTO event (id, name, aggregator_type, aggregator_id, version, data,
        metadata, routing_key, tenant, timestamp, timestamp_subsec)
    SELECT '01' || left(upper(replace(gen_random_uuid()::text, '-', '')), 24), t.name, t.aggregator_type, a.id, n,
        t.data, t.metadata, t.routing_key, t.tenant, t.timestamp - $3 - 5 + n, t.timestamp_subsec
    FROM generate_series(1, $3::bigint) AS n
    CROSS JOIN unnest($2::text[]) AS a(id)
    JOIN event AS t ON t.aggregator_id = $1 AND t.version = least(n, 2)
    ORDER BY n, a.id";
