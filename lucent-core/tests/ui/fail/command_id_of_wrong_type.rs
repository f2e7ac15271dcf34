#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Command)]
#[command(aggregate = Account)]
struct Deposit {
    #[id]
    account: String,
}

fn main() {}
