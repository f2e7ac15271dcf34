//! cqrs-es on postgres-es: the framework that its readme sets up, without snapshots.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs_es::{
    Aggregate, AggregateError, DomainEvent, EventEnvelope, EventStore as _, View,
    event_sink::EventSink,
    persist::{GenericQuery, PersistedEventStore, QueryReplay},
};
use postgres_es::{PostgresCqrs, PostgresEventRepository, PostgresViewRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Setup;
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    event::{AccountEvent, Balance, TooMuch},
    sightings,
};

#[derive(Default, Serialize, Deserialize)]
struct Ledger(Balance);

enum Order {
    Open,
    Deposit { ticket: u64 },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Ledger {
    const TYPE: &'static str = "account";
    type Command = Order;
    type Event = AccountEvent;
    type Error = TooMuch;
    type Services = ();

    async fn handle(
        &mut self,
        command: Order,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), TooMuch> {
        let event = match command {
            Order::Open => AccountEvent::opened(),
            Order::Deposit { ticket } => {
                AccountEvent::deposited(self.0.balance, ticket).ok_or(TooMuch)?
            }
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        self.0.apply(&event);
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct BalanceView(Balance);

impl View<Ledger> for BalanceView {
    fn update(&mut self, event: &EventEnvelope<Ledger>) {
        self.0.apply(&event.payload);
        sightings::saw(event.payload.ticket());
    }
}

struct CqrsEs {
    cqrs: PostgresCqrs<Ledger>,
    pool: PgPool,
}

/// Makes the tables of its `db/init.sql`.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let pool = PgPoolOptions::new().max_connections(setup.pool).connect(&setup.url).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let cqrs = postgres_cqrs(pool.clone(), vec![], ());
    Ok(Box::new(CqrsEs { cqrs, pool }))
}

#[async_trait]
impl Contender for CqrsEs {
    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        self.cqrs.execute(&account.text, Order::Open).await.map_err(fault)?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        self.cqrs.execute(&account.text, Order::Deposit { ticket }).await.map_err(fault)
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let model = self.open_account().await?;
        self.deposit(&model, 0).await?;
        let version = i64::try_from(events)?;
        let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::now_v7(), version)).collect();
        let ids: Vec<_> = filled.iter().map(|account| account.text.clone()).collect();
        sqlx::query(COPY).bind(&model.text).bind(ids).bind(version).execute(&self.pool).await?;
        sqlx::query("DELETE FROM events WHERE aggregate_id = $1")
            .bind(&model.text)
            .execute(&self.pool)
            .await?;
        Ok(filled)
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        let repository = PostgresEventRepository::new(self.pool.clone());
        let store = PersistedEventStore::<_, Ledger>::new_event_store(repository);
        let mut context = store.load_aggregate(&account.text).await.map_err(fault)?;
        Ok(cqrs_es::AggregateContext::aggregate(&mut context).0.deposits)
    }

    async fn project(&self, purpose: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        if purpose == Purpose::Follow {
            return Err(Fault::Absent("queries are dispatched by the command itself"));
        }
        let views =
            PostgresViewRepository::<BalanceView, Ledger>::new("balances", self.pool.clone());
        let mut query = GenericQuery::new(Arc::new(views));
        query.use_error_handler(Box::new(|error| eprintln!("cqrs-es: {error}")));
        let repository = PostgresEventRepository::new(self.pool.clone());
        let replay = QueryReplay::new(repository, query);
        let task = tokio::spawn(async move {
            if let Err(error) = replay.replay_all().await {
                eprintln!("cqrs-es: {error}");
            }
        });
        Ok(Box::new(Replay(task)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

struct Replay(JoinHandle<()>);

#[async_trait]
impl Projecting for Replay {
    async fn stop(self: Box<Self>) {
        self.0.abort();
        let _cancelled = self.0.await;
    }
}

fn fault(error: AggregateError<TooMuch>) -> Fault {
    match error {
        AggregateError::AggregateConflict => Fault::Conflict,
        error => error.into(),
    }
}

const TABLES: &str = "CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint CHECK (sequence >= 0) NOT NULL,
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload json NOT NULL,
    metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE TABLE balances (
    view_id text NOT NULL,
    version bigint CHECK (version >= 0) NOT NULL,
    payload json NOT NULL,
    PRIMARY KEY (view_id)
);";

/// Rows like the two that the framework wrote.
const COPY: &str = "INSERT INTO events
    SELECT t.aggregate_type, a.id, n, t.event_type, t.event_version, t.payload, t.metadata
    FROM generate_series(1, $3::bigint) AS n
    CROSS JOIN unnest($2::text[]) AS a(id)
    JOIN events AS t ON t.aggregate_id = $1 AND t.sequence = least(n, 2)
    ORDER BY n, a.id";
