//! Lucent on its PostgreSQL store, with the settings that it comes with.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use lucent_core::{
    CommandId,
    prelude::*,
    store::{
        Append, AppendCondition, AppendError, EventQuery, EventStore as _, ExpectedVersion,
        StreamWrite,
    },
};
use lucent_postgres::PostgresStore;

use super::Setup;
use crate::{
    CommandsOnly,
    contender::{Account, Contender, Fault, Projecting, Purpose},
    domain::{self, AccountEvent, AccountId, BalanceOf, Deposit, OpenAccount},
    event::AMOUNT,
};

struct Lucent {
    app: App<CommandsOnly>,
    store: PostgresStore,
}

/// Connects.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let store = PostgresStore::connect(&setup.url).await?;
    let app = App::new(CommandsOnly).store(store.clone()).start().await?;
    Ok(Box::new(Lucent { app, store }))
}

#[async_trait]
impl Contender for Lucent {
    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        let command = OpenAccount { account: AccountId::from(account.id) };
        self.app.execute(command).await.map_err(fault)?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        let command = Deposit { account: AccountId::from(account.id), amount: AMOUNT, ticket };
        self.app.execute(command).await.map_err(fault)?;
        Ok(())
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        let version = i64::try_from(events)?;
        let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::now_v7(), version)).collect();
        let command = CommandId::new();
        let metadata = Arc::new(Metadata::of_command(command, BusinessContext::default()));
        // One event of each account after another, as the others' tables are filled.
        for number in 0..events {
            let event = match number {
                0 => AccountEvent::opened(),
                _ => AccountEvent::deposited(number as u64 * AMOUNT, 0),
            };
            for group in filled.chunks(1_000) {
                let mut append = Append::default();
                for account in group {
                    append.writes.push(StreamWrite {
                        stream: stream(account)?,
                        expected: ExpectedVersion::Any,
                        events: vec![NewEvent::encode(&event, &metadata, Timestamp::now())?],
                    });
                }
                self.store.append(append).await?;
            }
        }
        Ok(filled)
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        let loaded = self.app.load::<domain::Account>(&AccountId::from(account.id)).await?;
        Ok(loaded.state.deposits)
    }

    async fn append_tagged(&self) -> Result<(), Fault> {
        let account = Account::fresh();
        let tag = Tag::of("account", account.id)?;
        let command = CommandId::new();
        let metadata = Arc::new(Metadata::of_command(command, BusinessContext::default()));
        let mut event =
            NewEvent::encode(&AccountEvent::deposited(0, 0), &metadata, Timestamp::now())?;
        event.tags.push(tag.clone());
        let mut append = Append::one(stream(&account)?, ExpectedVersion::Any, vec![event]);
        append.condition =
            Some(AppendCondition { query: EventQuery::tags([tag]), after: Position::ZERO });
        match self.store.append(append).await {
            Ok(_) => Ok(()),
            Err(AppendError::ConditionFailed { .. }) => Err(Fault::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    async fn project(&self, _: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        let app = App::new(crate::registry()).store(self.store.clone()).start().await?;
        Ok(Box::new(Projection(app)))
    }

    async fn close(&self) {
        self.app.shutdown().await;
        self.store.close().await;
    }
}

struct Projection(App<crate::Registry>);

#[async_trait]
impl Projecting for Projection {
    async fn settle(&self) -> Result<(), Fault> {
        let head = self.0.store().head().await?;
        let probe = BalanceOf(AccountId::from(Uuid::nil()));
        self.0.query(probe).after(head).within(Duration::from_secs(600)).await?;
        Ok(())
    }

    async fn stop(self: Box<Self>) {
        self.0.shutdown().await;
    }
}

fn stream(account: &Account) -> Result<StreamId, Fault> {
    Ok(StreamId::of("account", account.id)?)
}

fn fault<E: std::error::Error + Send + Sync + 'static>(error: CommandError<E>) -> Fault {
    match error {
        CommandError::Conflict(_) | CommandError::ConditionFailed { .. } => Fault::Conflict,
        error => Fault::broken(error),
    }
}
