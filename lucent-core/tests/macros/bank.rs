//! A small domain with one of everything.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub(crate) struct AccountId(Uuid);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(retired("AccountFrozen", "AccountThawed"))]
pub(crate) enum AccountEvent {
    AccountOpened {
        #[tag]
        owner: String,
    },
    MoneyDeposited {
        amount: u64,
    },
    #[event(name = "money-withdrawn", version = 3, upcast(from = [WithdrawnV1, WithdrawnV2]))]
    MoneyWithdrawn {
        amount: u64,
        #[tag("via")]
        channel: Option<String>,
    },
    AccountClosed,
}

#[derive(Deserialize)]
pub(crate) struct WithdrawnV1(u64);

#[derive(Deserialize)]
pub(crate) struct WithdrawnV2 {
    amount: u64,
}

impl From<WithdrawnV1> for AccountEvent {
    fn from(old: WithdrawnV1) -> Self {
        Self::from(WithdrawnV2 { amount: old.0 })
    }
}

impl From<WithdrawnV2> for AccountEvent {
    fn from(old: WithdrawnV2) -> Self {
        Self::MoneyWithdrawn { amount: old.amount, channel: None }
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent, snapshot(every = 200, version = 2))]
pub(crate) struct Account {
    pub(crate) open: bool,
    pub(crate) balance: u64,
}

impl Evolve for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::AccountOpened { .. } => self.open = true,
            AccountEvent::MoneyDeposited { amount } => self.balance += amount,
            AccountEvent::MoneyWithdrawn { amount, .. } => self.balance -= amount,
            AccountEvent::AccountClosed => self.open = false,
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub(crate) enum AccountError {
    #[error("the account is closed")]
    Closed,
    #[error("{missing} is missing")]
    Overdrawn { missing: u64 },
}

#[derive(Debug, Clone, Command)]
#[command(aggregate = Account)]
pub(crate) struct Open {
    #[id]
    pub(crate) account: AccountId,
    pub(crate) owner: String,
}

#[command_handler]
pub(crate) fn open(command: Open) -> AccountEvent {
    AccountEvent::AccountOpened { owner: command.owner }
}

#[derive(Debug, Clone, Command)]
#[command(aggregate = Account, name = "withdraw_money")]
pub(crate) struct Withdraw {
    #[id]
    pub(crate) account: AccountId,
    pub(crate) amount: u64,
}

#[command_handler]
pub(crate) fn withdraw(
    account: &Account,
    command: &Withdraw,
) -> Result<AccountEvent, AccountError> {
    let Some(missing) = command.amount.checked_sub(account.balance) else {
        return Ok(AccountEvent::MoneyWithdrawn {
            amount: command.amount,
            channel: Some("desk".into()),
        });
    };
    match (account.open, missing) {
        (false, _) => Err(AccountError::Closed),
        (true, missing) => Err(AccountError::Overdrawn { missing }),
    }
}

#[derive(Debug, Command)]
#[command(aggregate = Account)]
pub(crate) struct Close(#[id] pub(crate) AccountId);

#[command_handler(name = "close_account")]
pub(crate) fn close(
    account: &Account,
    _command: &Close,
    context: &CommandContext,
) -> Result<Decision<AccountEvent, u64>, AccountError> {
    if !account.open || !context.exists() {
        return Err(AccountError::Closed);
    }
    Ok(Decision::emit(AccountEvent::AccountClosed).reply(account.balance))
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub(crate) struct AccountView {
    pub(crate) owner: String,
    pub(crate) balance: u64,
}

#[projector(name = "accounts", version = 2)]
pub(crate) fn accounts(view: &mut AccountView, event: &AccountEvent) {
    match event {
        AccountEvent::AccountOpened { owner } => view.owner.clone_from(owner),
        AccountEvent::MoneyDeposited { amount } => view.balance += amount,
        AccountEvent::MoneyWithdrawn { amount, .. } => view.balance -= amount,
        AccountEvent::AccountClosed => {}
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ReadModel)]
#[read_model(name = "owners")]
pub(crate) struct OwnerView {
    pub(crate) accounts: Vec<String>,
}

fn owner(event: &AccountEvent) -> Option<&String> {
    match event {
        AccountEvent::AccountOpened { owner } => Some(owner),
        _ => None,
    }
}

#[projector(name = "owners", version = 1, inline, key = owner)]
pub(crate) fn owners(
    view: &mut OwnerView,
    _event: &AccountEvent,
    at: &RecordedEvent,
) -> Result<Keep, AccountError> {
    view.accounts.push(at.stream.key().to_owned());
    Ok(Keep::Put)
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ReadModel)]
pub(crate) struct Totals {
    pub(crate) withdrawn: u64,
}

#[projector(name = "totals", version = 1, live, key = "all")]
fn totals(view: &mut Totals, event: &AccountEvent) -> Result<(), AccountError> {
    if let AccountEvent::MoneyWithdrawn { amount, .. } = event {
        view.withdrawn += amount;
    }
    Ok(())
}

#[derive(Debug, Clone, Query)]
pub(crate) struct BalanceOf {
    pub(crate) account: AccountId,
}

#[query_handler]
pub(crate) async fn balance_of(
    query: BalanceOf,
    accounts: &View<AccountView>,
) -> Result<Option<u64>, ReadError> {
    Ok(accounts.get(query.account).await?.map(|view| view.balance))
}

#[derive(Debug, Clone, Query)]
#[query(name = "currency")]
pub(crate) struct Currency;

#[query_handler]
pub(crate) fn currency(_query: Currency, setting: &Resource<String>) -> Result<String, ReadError> {
    Ok(setting.to_string())
}

#[event_handler(name = "letters")]
pub(crate) async fn letters(
    event: &AccountEvent,
    at: &RecordedEvent,
    paper: &Resource<String>,
) -> Result<(), AccountError> {
    let _ = (event, at, paper);
    Ok(())
}

#[event_handler(name = "bell")]
pub(crate) fn bell(_event: &AccountEvent) {}
