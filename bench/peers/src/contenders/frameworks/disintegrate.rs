//! disintegrate on PostgreSQL: its decision maker without snapshots, and its listener.
//!
//! `PgEventStore::try_new` of 4.0.1 fails before PostgreSQL 16, since one of its functions has a
//! hexadecimal literal; what it would make is made here, with that literal in decimal.

use std::time::Duration;

use async_trait::async_trait;
use disintegrate::{
    Decision, DecisionError, Event, EventListener, EventStore as _, NoSnapshot, PersistedEvent,
    StateMutate, StateQuery, StreamQuery, query, serde::json::Json,
};
use disintegrate_postgres::{
    Error, PgDecisionMaker, PgEventId, PgEventListener, PgEventListenerConfig, PgEventStore,
    decision_maker,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use super::{BALANCES, PAY_IN, Setup};
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    event::{AMOUNT, NOTE, OPENING, OWNER, REFERENCE, TooMuch},
    sightings,
};

#[derive(Clone, Debug, PartialEq, Eq, Event, Serialize, Deserialize)]
pub enum DomainEvent {
    AccountOpened {
        #[id]
        account_id: Uuid,
        owner: String,
        reference: String,
        note: String,
    },
    MoneyDeposited {
        #[id]
        account_id: Uuid,
        ticket: u64,
        amount: u64,
        balance: u64,
        reference: String,
        note: String,
    },
}

#[derive(Clone, Debug, Default, StateQuery, Serialize, Deserialize)]
#[state_query(DomainEvent)]
struct Ledger {
    #[id]
    account_id: Uuid,
    balance: u64,
    deposits: u64,
}

impl Ledger {
    fn of(account_id: Uuid) -> Self {
        Self { account_id, ..Self::default() }
    }
}

impl StateMutate for Ledger {
    fn mutate(&mut self, event: DomainEvent) {
        if let DomainEvent::MoneyDeposited { amount, .. } = event {
            self.balance += amount;
            self.deposits += 1;
        }
    }
}

struct Open(Uuid);

impl Decision for Open {
    type Event = DomainEvent;
    type StateQuery = Ledger;
    type Error = TooMuch;

    fn state_query(&self) -> Ledger {
        Ledger::of(self.0)
    }

    fn process(&self, _: &Ledger) -> Result<Vec<DomainEvent>, TooMuch> {
        Ok(vec![DomainEvent::AccountOpened {
            account_id: self.0,
            owner: OWNER.to_owned(),
            reference: REFERENCE.to_owned(),
            note: OPENING.to_owned(),
        }])
    }
}

struct Deposit {
    account: Uuid,
    ticket: u64,
}

impl Decision for Deposit {
    type Event = DomainEvent;
    type StateQuery = Ledger;
    type Error = TooMuch;

    fn state_query(&self) -> Ledger {
        Ledger::of(self.account)
    }

    fn process(&self, state: &Ledger) -> Result<Vec<DomainEvent>, TooMuch> {
        let balance = state.balance.checked_add(AMOUNT).ok_or(TooMuch)?;
        Ok(vec![DomainEvent::MoneyDeposited {
            account_id: self.account,
            ticket: self.ticket,
            amount: AMOUNT,
            balance,
            reference: REFERENCE.to_owned(),
            note: NOTE.to_owned(),
        }])
    }
}

struct Disintegrate {
    decisions: PgDecisionMaker<DomainEvent, Json<DomainEvent>, NoSnapshot>,
    store: PgEventStore<DomainEvent, Json<DomainEvent>>,
    pool: PgPool,
}

/// Makes the tables.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let pool = PgPoolOptions::new().max_connections(setup.pool).connect(&setup.url).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let store = PgEventStore::new_uninitialized(pool.clone(), Json::<DomainEvent>::default());
    let decisions = decision_maker(store.clone(), NoSnapshot);
    Ok(Box::new(Disintegrate { decisions, store, pool }))
}

#[async_trait]
impl Contender for Disintegrate {
    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        self.decisions.make(Open(account.id)).await.map_err(fault)?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        self.decisions.make(Deposit { account: account.id, ticket }).await.map_err(fault)?;
        Ok(())
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let model = self.open_account().await?;
        self.deposit(&model, 0).await?;
        let version = i64::try_from(events)?;
        let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::now_v7(), version)).collect();
        let ids: Vec<_> = filled.iter().map(|account| account.id).collect();
        sqlx::query(COPY).bind(model.id).bind(ids).bind(version).execute(&self.pool).await?;
        sqlx::query("DELETE FROM event WHERE account_id = $1")
            .bind(model.id)
            .execute(&self.pool)
            .await?;
        Ok(filled)
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        use disintegrate::LoadState as _;
        let states = disintegrate::EventSourcedStateStore::new(self.store.clone(), NoSnapshot);
        let loaded = states.load(Ledger::of(account.id)).await;
        Ok(loaded.map_err(Fault::broken)?.state().deposits)
    }

    async fn append_tagged(&self) -> Result<(), Fault> {
        let account_id = Uuid::now_v7();
        let event = DomainEvent::MoneyDeposited {
            account_id,
            ticket: 0,
            amount: AMOUNT,
            balance: AMOUNT,
            reference: REFERENCE.to_owned(),
            note: NOTE.to_owned(),
        };
        let condition: StreamQuery<PgEventId, DomainEvent> =
            query!(DomainEvent; account_id == account_id);
        match self.store.append(vec![event], condition, 0).await {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) => Err(Fault::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn project(&self, _: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        sqlx::query(BALANCES).execute(&self.pool).await?;
        let handler = PayIn { query: query!(DomainEvent), pool: self.pool.clone() };
        let config = PgEventListenerConfig::poller(Duration::from_millis(50)).with_notifier();
        let (stop, stopped) = oneshot::channel::<()>();
        let listener =
            PgEventListener::builder(self.store.clone()).register_listener(handler, config);
        let task = tokio::spawn(async move {
            let shutdown = async move {
                // A stop and a dropped sender mean the same.
                drop(stopped.await);
            };
            if let Err(error) = listener.start_with_shutdown(shutdown).await {
                eprintln!("disintegrate: {error}");
            }
        });
        Ok(Box::new(Listening { stop, task }))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// The read model.
struct PayIn {
    query: StreamQuery<PgEventId, DomainEvent>,
    pool: PgPool,
}

#[async_trait]
impl EventListener<PgEventId, DomainEvent> for PayIn {
    type Error = sqlx::Error;

    fn id(&self) -> &'static str {
        "balances"
    }

    fn query(&self) -> &StreamQuery<PgEventId, DomainEvent> {
        &self.query
    }

    async fn handle(
        &self,
        event: PersistedEvent<PgEventId, DomainEvent>,
    ) -> Result<(), sqlx::Error> {
        let (account, ticket, amount) = match event.into_inner() {
            DomainEvent::AccountOpened { account_id, .. } => (account_id, 0, 0),
            DomainEvent::MoneyDeposited { account_id, ticket, amount, .. } => {
                (account_id, ticket, amount)
            }
        };
        sqlx::query(PAY_IN)
            .bind(account.to_string())
            .bind(i64::try_from(amount).unwrap_or(i64::MAX))
            .execute(&self.pool)
            .await?;
        sightings::saw(ticket);
        Ok(())
    }
}

struct Listening {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[async_trait]
impl Projecting for Listening {
    async fn stop(self: Box<Self>) {
        // The listener may have ended by itself.
        let _ended = self.stop.send(());
        if tokio::time::timeout(Duration::from_secs(2), self.task).await.is_err() {
            eprintln!("disintegrate: the listener goes on after its shutdown");
        }
    }
}

fn fault(error: DecisionError<TooMuch>) -> Fault {
    match &error {
        DecisionError::EventStore(cause) | DecisionError::StateStore(cause)
            if cause.downcast_ref::<Error>().is_some_and(is_conflict) =>
        {
            Fault::Conflict
        }
        _ => Fault::broken(error),
    }
}

/// A serialization failure that is not noticed before the commit comes as the database's own error.
fn is_conflict(error: &Error) -> bool {
    match error {
        Error::Concurrency => true,
        Error::Database(sqlx::Error::Database(cause)) => cause.code().as_deref() == Some("40001"),
        _ => false,
    }
}

const TABLES: &str = "CREATE SEQUENCE seq_event_event_id;
CREATE TABLE event (
    event_id BIGINT PRIMARY KEY DEFAULT nextval('seq_event_event_id'),
    event_type VARCHAR(255),
    payload BYTEA,
    inserted_at TIMESTAMP DEFAULT now()
);
CREATE INDEX idx_event_type_btree ON event(event_type);
CREATE FUNCTION event_store_current_epoch() RETURNS BIGINT AS $$
DECLARE
    persisted_event_id BIGINT;
    pending_event_id BIGINT;
    db_id INT;
BEGIN
    SELECT COALESCE(MAX(event_id), 0) INTO persisted_event_id FROM event;
    SELECT oid INTO db_id FROM pg_database WHERE datname = current_database();
    SELECT MIN((l3.objid::bigint << 32) + l2.objid::bigint)
    INTO pending_event_id
    FROM pg_locks l1
    INNER JOIN pg_locks l2 ON l1.pid = l2.pid
    INNER JOIN pg_locks l3 ON l1.pid = l3.pid
    WHERE l1.classid = db_id AND l2.classid = 1 AND l3.classid = 2 AND l1.locktype = 'advisory';
    RETURN LEAST(COALESCE(pending_event_id, persisted_event_id), persisted_event_id);
END;
$$ LANGUAGE plpgsql;
CREATE FUNCTION event_store_begin_epoch() RETURNS void AS $$
DECLARE
    id BIGINT;
    db_id INT;
BEGIN
    SELECT last_value INTO id FROM seq_event_event_id;
    SELECT oid INTO db_id FROM pg_database WHERE datname = current_database();
    PERFORM pg_try_advisory_xact_lock_shared(db_id, 0);
    PERFORM pg_try_advisory_xact_lock_shared(1, (id & 4294967295)::bit(32)::integer);
    PERFORM pg_try_advisory_xact_lock_shared(2, (id >> 32)::bit(32)::integer);
END;
$$ LANGUAGE plpgsql;
ALTER TABLE event ADD COLUMN account_id UUID;
CREATE INDEX idx_event_account_id ON event (account_id) WHERE account_id IS NOT NULL;";

/// Rows like the two that the store wrote, with the account's own id in each payload.
const COPY: &str = "INSERT INTO event (event_type, payload, account_id)
    SELECT t.event_type,
        convert_to(replace(convert_from(t.payload, 'UTF8'), $1::text, a.id::text), 'UTF8'), a.id
    FROM generate_series(1, $3::bigint) AS n
    CROSS JOIN unnest($2::uuid[]) AS a(id)
    JOIN LATERAL (SELECT * FROM event WHERE account_id = $1::uuid
        ORDER BY event_id OFFSET least(n, 2) - 1 LIMIT 1) AS t ON true
    ORDER BY n, a.id";
