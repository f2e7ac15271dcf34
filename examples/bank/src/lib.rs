//! A bank account: plain types and pure functions, no I/O.

pub use lucent_core::prelude::*;
lucent_core::registry!();

#[derive(AggregateId)]
pub struct AccountId(Uuid);

#[derive(Debug, Serialize, Deserialize, Event)]
pub enum AccountEvent {
    AccountOpened { owner: String },
    MoneyDeposited { amount: u64 },
    MoneyWithdrawn { amount: u64 },
}

#[derive(Debug, Default, Serialize, Deserialize, Aggregate, ReadModel)]
pub struct Account(pub u64);

#[evolve]
#[projector(name = "accounts", version = 1)]
fn apply(Account(balance): &mut Account, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { .. } => *balance = 0,
        AccountEvent::MoneyDeposited { amount } => *balance += amount,
        AccountEvent::MoneyWithdrawn { amount } => *balance -= amount,
    }
}

#[derive(Debug, Command)]
pub struct OpenAccount(#[id] pub AccountId, pub String);
#[derive(Debug, Command)]
pub struct Deposit(#[id] pub AccountId, pub u64);
#[derive(Debug, Command)]
pub struct Withdraw(#[id] pub AccountId, pub u64);

#[derive(Debug, thiserror::Error)]
#[error("the account is short by {0}")]
pub struct Overdrawn(pub u64);

#[command_handler]
fn open_account(OpenAccount(_, owner): &OpenAccount) -> AccountEvent {
    AccountEvent::AccountOpened { owner: owner.clone() }
}

#[command_handler]
fn deposit(_: &Account, &Deposit(_, amount): &Deposit) -> AccountEvent {
    AccountEvent::MoneyDeposited { amount }
}

#[command_handler]
fn withdraw(account: &Account, cmd: &Withdraw) -> Result<AccountEvent, Overdrawn> {
    ensure!(cmd.1 <= account.0, Overdrawn(cmd.1 - account.0));
    Ok(AccountEvent::MoneyWithdrawn { amount: cmd.1 })
}

#[derive(Debug, Query)]
pub struct BalanceOf(pub AccountId);

#[query_handler]
async fn balance_of(of: BalanceOf, accounts: &View<Account>) -> Result<Option<u64>, ReadError> {
    Ok(accounts.get(of.0).await?.map(|account| account.0))
}
