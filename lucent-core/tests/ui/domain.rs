//! A domain for the cases: an account without handlers.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct AccountId(pub Uuid);

#[derive(Serialize, Deserialize, Event)]
pub enum AccountEvent {
    Opened,
    Withdrawn { amount: u64 },
}

#[derive(Default, Serialize, Deserialize, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent)]
pub struct Account;

impl Evolve for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

#[derive(Clone, Command)]
#[command(aggregate = Account)]
pub struct Withdraw {
    #[id]
    pub account: AccountId,
}

#[derive(Default, Serialize, Deserialize, ReadModel)]
pub struct AccountView;

#[derive(Query)]
pub struct BalanceOf(pub AccountId);
