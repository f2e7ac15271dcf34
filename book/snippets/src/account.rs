//! The account of the concept pages: one aggregate, its commands, and a read model.
//!
//! Invariant: nothing here does I/O, so its tests need no store and no runtime.

use lucent_core::prelude::*;

// ANCHOR: id
#[derive(AggregateId)]
pub struct AccountId(Uuid);
// ANCHOR_END: id

// ANCHOR: events
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum AccountEvent {
    AccountOpened { owner: String },
    MoneyDeposited { amount: u64 },
    MoneyWithdrawn { amount: u64 },
}
// ANCHOR_END: events

// ANCHOR: state
#[derive(Debug, Default, Serialize, Deserialize, Aggregate)]
#[aggregate(snapshot(every = 200, version = 1))]
pub struct Account {
    open: bool,
    balance: u64,
}

#[evolve]
fn apply(account: &mut Account, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { .. } => account.open = true,
        AccountEvent::MoneyDeposited { amount } => account.balance += amount,
        AccountEvent::MoneyWithdrawn { amount } => account.balance -= amount,
    }
}
// ANCHOR_END: state

// ANCHOR: error
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum AccountError {
    #[error("the account is not open")]
    NotOpen,
    #[error("the account holds {available}, and {asked} was asked for")]
    TooLittle { available: u64, asked: u64 },
}
// ANCHOR_END: error

// ANCHOR: command
#[derive(Debug, Command)]
pub struct Withdraw {
    #[id]
    pub account: AccountId,
    pub amount: u64,
}
// ANCHOR_END: command

// ANCHOR: decide
#[command_handler]
fn withdraw(account: &Account, command: &Withdraw) -> Result<AccountEvent, AccountError> {
    let (available, asked) = (account.balance, command.amount);
    ensure!(account.open, AccountError::NotOpen);
    ensure!(asked <= available, AccountError::TooLittle { available, asked });
    Ok(AccountEvent::MoneyWithdrawn { amount: asked })
}
// ANCHOR_END: decide

// ANCHOR: create
#[derive(Debug, Command)]
pub struct OpenAccount {
    #[id]
    pub account: AccountId,
    pub owner: String,
}

/// Takes no state, so the account must be new.
#[command_handler]
fn open_account(command: &OpenAccount) -> AccountEvent {
    AccountEvent::AccountOpened { owner: command.owner.clone() }
}
// ANCHOR_END: create

// ANCHOR: decision
#[derive(Debug, Command)]
pub struct Deposit {
    #[id]
    pub account: AccountId,
    pub amount: u64,
}

/// Replies with the new balance.
#[command_handler]
fn deposit(
    account: &Account,
    command: &Deposit,
) -> Result<Decision<AccountEvent, u64>, AccountError> {
    ensure!(account.open, AccountError::NotOpen);
    let amount = command.amount;
    if amount == 0 {
        return Ok(Decision::nothing().reply(account.balance));
    }
    Ok(Decision::emit(AccountEvent::MoneyDeposited { amount }).reply(account.balance + amount))
}
// ANCHOR_END: decision

// ANCHOR: project
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
pub struct Statement {
    pub owner: String,
    pub balance: u64,
    pub movements: u64,
}

#[projector(name = "statements", version = 1)]
fn statements(statement: &mut Statement, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { owner } => statement.owner.clone_from(owner),
        AccountEvent::MoneyDeposited { amount } => {
            statement.balance += amount;
            statement.movements += 1;
        }
        AccountEvent::MoneyWithdrawn { amount } => {
            statement.balance -= amount;
            statement.movements += 1;
        }
    }
}
// ANCHOR_END: project

// ANCHOR: query
#[derive(Debug, Query)]
pub struct StatementOf(pub AccountId);

#[query_handler]
async fn statement_of(
    query: StatementOf,
    statements: &View<Statement>,
) -> Result<Option<Statement>, ReadError> {
    statements.get(query.0).await
}
// ANCHOR_END: query

#[cfg(test)]
mod tests {
    use lucent_testkit::{already_exists, given, refused};

    use super::*;

    fn opened() -> AccountEvent {
        AccountEvent::AccountOpened { owner: "Ada".into() }
    }

    // ANCHOR: call
    #[test]
    fn nobody_withdraws_more_than_there_is() {
        let account = Account { open: true, balance: 10 };
        let command = Withdraw { account: AccountId::new(), amount: 11 };
        let refusal = AccountError::TooLittle { available: 10, asked: 11 };
        assert_eq!(withdraw(&account, &command), Err(refusal));
    }
    // ANCHOR_END: call

    // ANCHOR: scenario
    #[test]
    fn a_deposit_can_be_withdrawn_once() {
        let account = AccountId::new();
        given([opened()])
            .when(Deposit { account, amount: 100 })
            .then([AccountEvent::MoneyDeposited { amount: 100 }])
            .and_reply(100)
            .and_when(Withdraw { account, amount: 100 })
            .then([AccountEvent::MoneyWithdrawn { amount: 100 }])
            .and_when(Withdraw { account, amount: 1 })
            .then(refused(AccountError::TooLittle { available: 0, asked: 1 }));
    }
    // ANCHOR_END: scenario

    #[test]
    fn nothing_is_deposited_and_nothing_happens() {
        let account = AccountId::new();
        given([opened()]).when(Deposit { account, amount: 0 }).then_nothing().and_reply(0);
        given([]).when(Deposit { account, amount: 1 }).then_refused(AccountError::NotOpen);
    }

    #[test]
    fn an_account_is_opened_once() {
        let account = AccountId::new();
        given([opened()]).when(OpenAccount { account, owner: "Bo".into() }).then(already_exists());
    }

    // ANCHOR: view
    #[test]
    fn a_statement_counts_movements() {
        given([opened(), AccountEvent::MoneyDeposited { amount: 5 }]).then_view(Statement {
            owner: "Ada".into(),
            balance: 5,
            movements: 1,
        });
    }
    // ANCHOR_END: view
}
