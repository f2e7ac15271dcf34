#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Command)]
#[command(aggregate = AccountView)]
struct Deposit {
    #[id]
    account: AccountId,
}

fn main() {}
