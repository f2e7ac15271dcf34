//! esrs: its aggregate manager on its PostgreSQL store, with optimistic concurrency.

use async_trait::async_trait;
use esrs::{
    Aggregate, AggregateState,
    handler::TransactionalEventHandler,
    manager::AggregateManager,
    rebuilder::{PgRebuilder, Rebuilder as _},
    store::{
        StoreEvent,
        postgres::{PgStore, PgStoreBuilder, PgStoreError},
    },
};
use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{BALANCES, PAY_IN, Setup};
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    event::{AccountEvent, Balance, TooMuch},
    sightings,
};

struct Ledger;

enum Order {
    Open,
    Deposit { ticket: u64 },
}

impl Aggregate for Ledger {
    const NAME: &'static str = "account";
    type State = Balance;
    type Command = Order;
    type Event = AccountEvent;
    type Error = TooMuch;

    fn handle_command(state: &Balance, command: Order) -> Result<Vec<AccountEvent>, TooMuch> {
        match command {
            Order::Open => Ok(vec![AccountEvent::opened()]),
            Order::Deposit { ticket } => AccountEvent::deposited(state.balance, ticket)
                .map(|event| vec![event])
                .ok_or(TooMuch),
        }
    }

    fn apply_event(mut state: Balance, event: AccountEvent) -> Balance {
        state.apply(&event);
        state
    }
}

struct Esrs {
    manager: AggregateManager<PgStore<Ledger>>,
    pool: PgPool,
}

/// Lets the store make its tables.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let pool = PgPoolOptions::new().max_connections(setup.pool).connect(&setup.url).await?;
    let store = PgStoreBuilder::<Ledger>::new(pool.clone()).try_build().await?;
    Ok(Box::new(Esrs { manager: AggregateManager::new(store), pool }))
}

impl Esrs {
    async fn handle(&self, state: AggregateState<Balance>, order: Order) -> Result<(), Fault> {
        self.manager.handle_command(state, order).await.map_err(fault)??;
        Ok(())
    }
}

#[async_trait]
impl Contender for Esrs {
    async fn open_account(&self) -> Result<Account, Fault> {
        let state = AggregateState::new();
        let account = Account::of(*state.id(), 1);
        self.handle(state, Order::Open).await?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        let state = self.manager.load(account.id).await.map_err(fault)?;
        let state = state.ok_or_else(|| Fault::broken("the account is missing"))?;
        self.handle(state, Order::Deposit { ticket }).await
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let model = self.open_account().await?;
        self.deposit(&model, 0).await?;
        let version = i64::try_from(events)?;
        let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::new_v4(), version)).collect();
        let ids: Vec<_> = filled.iter().map(|account| account.id).collect();
        sqlx::query(COPY).bind(model.id).bind(ids).bind(version).execute(&self.pool).await?;
        sqlx::query("DELETE FROM account_events WHERE aggregate_id = $1")
            .bind(model.id)
            .execute(&self.pool)
            .await?;
        Ok(filled)
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        let state = self.manager.load(account.id).await.map_err(fault)?;
        Ok(state.map_or(0, |state| state.inner().deposits))
    }

    async fn project(&self, purpose: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        if purpose == Purpose::Follow {
            return Err(Fault::Absent("event handlers are run by the command itself"));
        }
        sqlx::query(BALANCES).execute(&self.pool).await?;
        let pool = self.pool.clone();
        let task = tokio::spawn(async move {
            let rebuilder = PgRebuilder::<Ledger>::new()
                .with_transactional_event_handlers(vec![Box::new(PayIn)]);
            if let Err(error) = rebuilder.by_aggregate_id(pool).await {
                eprintln!("esrs: {error}");
            }
        });
        Ok(Box::new(Rebuild(task)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// The read model.
struct PayIn;

#[async_trait]
impl TransactionalEventHandler<Ledger, PgStoreError, PgConnection> for PayIn {
    async fn handle(
        &self,
        event: &StoreEvent<AccountEvent>,
        connection: &mut PgConnection,
    ) -> Result<(), PgStoreError> {
        sqlx::query(PAY_IN)
            .bind(event.aggregate_id.to_string())
            .bind(i64::try_from(event.payload.amount()).unwrap_or(i64::MAX))
            .execute(connection)
            .await?;
        sightings::saw(event.payload.ticket());
        Ok(())
    }

    async fn delete(&self, id: Uuid, connection: &mut PgConnection) -> Result<(), PgStoreError> {
        sqlx::query("DELETE FROM balances WHERE account = $1")
            .bind(id.to_string())
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct Rebuild(JoinHandle<()>);

#[async_trait]
impl Projecting for Rebuild {
    async fn stop(self: Box<Self>) {
        self.0.abort();
        let _cancelled = self.0.await;
    }
}

fn fault(error: PgStoreError) -> Fault {
    match &error {
        PgStoreError::Sqlx(sqlx::Error::Database(cause)) if cause.is_unique_violation() => {
            Fault::Conflict
        }
        _ => error.into(),
    }
}

/// Rows like the two that the store wrote.
const COPY: &str = "INSERT INTO account_events
    (id, aggregate_id, payload, occurred_on, sequence_number, version)
    SELECT gen_random_uuid(), a.id, t.payload, t.occurred_on + n * interval '1 microsecond', n,
        t.version
    FROM generate_series(1, $3::bigint) AS n
    CROSS JOIN unnest($2::uuid[]) AS a(id)
    JOIN account_events AS t ON t.aggregate_id = $1 AND t.sequence_number = least(n, 2)
    ORDER BY n, a.id";
