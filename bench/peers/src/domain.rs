//! The measured domain, as an application of Lucent has it.

use lucent_core::prelude::*;

use crate::{
    event::{AMOUNT, NOTE, OPENING, OWNER, REFERENCE, TooMuch},
    sightings,
};

#[derive(AggregateId)]
pub struct AccountId(Uuid);

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
pub enum AccountEvent {
    AccountOpened { owner: String, reference: String, note: String },
    MoneyDeposited { ticket: u64, amount: u64, balance: u64, reference: String, note: String },
}

impl AccountEvent {
    pub fn opened() -> Self {
        Self::AccountOpened {
            owner: OWNER.to_owned(),
            reference: REFERENCE.to_owned(),
            note: OPENING.to_owned(),
        }
    }

    pub fn deposited(balance: u64, ticket: u64) -> Self {
        Self::MoneyDeposited {
            ticket,
            amount: AMOUNT,
            balance,
            reference: REFERENCE.to_owned(),
            note: NOTE.to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Aggregate)]
pub struct Account {
    pub balance: u64,
    pub deposits: u64,
}

#[evolve]
fn apply(account: &mut Account, event: &AccountEvent) {
    if let AccountEvent::MoneyDeposited { amount, .. } = event {
        account.balance += amount;
        account.deposits += 1;
    }
}

#[derive(Clone, Debug, Command)]
pub struct OpenAccount {
    #[id]
    pub account: AccountId,
}

#[command_handler]
fn open_account(_: &OpenAccount) -> AccountEvent {
    AccountEvent::opened()
}

#[derive(Clone, Debug, Command)]
pub struct Deposit {
    #[id]
    pub account: AccountId,
    pub amount: u64,
    pub ticket: u64,
}

#[command_handler]
fn deposit(account: &Account, command: &Deposit) -> Result<AccountEvent, TooMuch> {
    let balance = account.balance.checked_add(command.amount).ok_or(TooMuch)?;
    Ok(AccountEvent::deposited(balance, command.ticket))
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct AccountView {
    pub balance: u64,
    pub deposits: u64,
}

#[projector(name = "accounts", version = 1)]
fn accounts(view: &mut AccountView, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { .. } => sightings::saw(0),
        AccountEvent::MoneyDeposited { ticket, amount, .. } => {
            view.balance += amount;
            view.deposits += 1;
            sightings::saw(*ticket);
        }
    }
}

#[derive(Debug, Query)]
pub struct BalanceOf(pub AccountId);

#[query_handler]
async fn balance_of(of: BalanceOf, accounts: &View<AccountView>) -> Result<u64, ReadError> {
    Ok(accounts.get(of.0).await?.unwrap_or_default().balance)
}
