//! The domain that is measured: an account whose events have about 200 bytes.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct AccountId(Uuid);

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
pub enum AccountEvent {
    AccountOpened { owner: String, reference: String, note: String },
    MoneyDeposited { amount: u64, balance: u64, reference: String, note: String },
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
    AccountEvent::AccountOpened {
        owner: "Ada, countess of Lovelace".to_owned(),
        reference: "b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa".to_owned(),
        note: "an account for the rent and the heating of the flat 12b, opened at the counter"
            .to_owned(),
    }
}

#[derive(Clone, Debug, Command)]
pub struct Deposit {
    #[id]
    pub account: AccountId,
    pub amount: u64,
}

#[derive(Debug, PartialEq)]
pub struct TooMuch;

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too much")
    }
}

impl std::error::Error for TooMuch {}

#[command_handler]
pub fn deposit(account: &Account, command: &Deposit) -> Result<AccountEvent, TooMuch> {
    match account.balance.checked_add(command.amount) {
        None => Err(TooMuch),
        Some(balance) => Ok(AccountEvent::MoneyDeposited {
            amount: command.amount,
            balance,
            reference: "b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa".to_owned(),
            note: "a standing order of the first of the month, for rent and heating, flat 12b"
                .to_owned(),
        }),
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct AccountView {
    pub balance: u64,
    pub deposits: u64,
}

#[projector(name = "accounts", version = 1)]
fn accounts(view: &mut AccountView, event: &AccountEvent) {
    if let AccountEvent::MoneyDeposited { amount, .. } = event {
        view.balance += amount;
        view.deposits += 1;
    }
}

#[derive(Debug, Query)]
pub struct BalanceOf(pub AccountId);

#[query_handler]
async fn balance_of(of: BalanceOf, accounts: &View<AccountView>) -> Result<u64, ReadError> {
    Ok(accounts.get(of.0).await?.unwrap_or_default().balance)
}
