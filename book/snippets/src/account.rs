//! A domain as plain types and functions, before any framework.

use lucent_core::Decision;
use serde::{Deserialize, Serialize};

// ANCHOR: events
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum AccountEvent {
    AccountOpened { owner: String },
    MoneyDeposited { amount: u64 },
    MoneyWithdrawn { amount: u64 },
}
// ANCHOR_END: events

// ANCHOR: state
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    open: bool,
    balance: u64,
}

pub fn evolve(account: &mut Account, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { .. } => account.open = true,
        AccountEvent::MoneyDeposited { amount } => account.balance += amount,
        AccountEvent::MoneyWithdrawn { amount } => account.balance -= amount,
    }
}
// ANCHOR_END: state

// ANCHOR: error
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccountError {
    #[error("the account is not open")]
    NotOpen,
    #[error("the account holds {available}, and {asked} was asked for")]
    TooLittle { available: u64, asked: u64 },
}
// ANCHOR_END: error

// ANCHOR: decide
#[derive(Clone, Debug)]
pub struct Withdraw {
    pub amount: u64,
}

pub fn withdraw(account: &Account, command: &Withdraw) -> Result<AccountEvent, AccountError> {
    if !account.open {
        return Err(AccountError::NotOpen);
    }
    if account.balance < command.amount {
        return Err(AccountError::TooLittle { available: account.balance, asked: command.amount });
    }
    Ok(AccountEvent::MoneyWithdrawn { amount: command.amount })
}
// ANCHOR_END: decide

// ANCHOR: decision
pub fn open(account: &Account, owner: &str, gift: u64) -> Decision<AccountEvent, u64> {
    if account.open {
        return Decision::nothing().reply(account.balance);
    }
    let owner = owner.to_owned();
    Decision::emit(AccountEvent::AccountOpened { owner })
        .and(AccountEvent::MoneyDeposited { amount: gift })
        .reply(gift)
}
// ANCHOR_END: decision

// ANCHOR: project
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Statement {
    pub owner: String,
    pub movements: u64,
}

pub fn statements(statement: &mut Statement, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { owner } => statement.owner.clone_from(owner),
        AccountEvent::MoneyDeposited { .. } | AccountEvent::MoneyWithdrawn { .. } => {
            statement.movements += 1;
        }
    }
}
// ANCHOR_END: project

#[cfg(test)]
mod tests {
    use super::*;

    fn account(events: &[AccountEvent]) -> Account {
        let mut account = Account::default();
        for event in events {
            evolve(&mut account, event);
        }
        account
    }

    // ANCHOR: test
    #[test]
    fn nobody_withdraws_more_than_there_is() {
        let account = account(&[
            AccountEvent::AccountOpened { owner: "Ada".to_owned() },
            AccountEvent::MoneyDeposited { amount: 10 },
        ]);
        assert_eq!(
            withdraw(&account, &Withdraw { amount: 11 }),
            Err(AccountError::TooLittle { available: 10, asked: 11 })
        );
    }
    // ANCHOR_END: test

    #[test]
    fn opening_twice_changes_nothing() {
        let decision = open(&Account::default(), "Ada", 5);
        assert_eq!((decision.events.len(), decision.reply), (2, 5));
        let again = open(&account(&decision.events), "Ada", 5);
        assert_eq!((again.events.len(), again.reply), (0, 5));
    }

    #[test]
    fn a_closed_account_pays_nothing() {
        let refused = withdraw(&Account::default(), &Withdraw { amount: 1 });
        assert_eq!(refused, Err(AccountError::NotOpen));
    }

    #[test]
    fn a_statement_counts_movements() {
        let mut statement = Statement::default();
        for event in &open(&Account::default(), "Ada", 5).events {
            statements(&mut statement, event);
        }
        assert_eq!((statement.owner.as_str(), statement.movements), ("Ada", 1));
    }
}
