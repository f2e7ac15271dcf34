#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Command)]
#[command(aggregate = Account)]
struct Missing { account: AccountId }

#[derive(Command)]
#[command(aggregate = Account)]
struct Twice {
    #[id]
    from: AccountId,
    #[id]
    to: AccountId,
}

#[derive(Command)]
#[command(aggregat = Account)]
struct Misspelt(#[id(x)] AccountId);

#[derive(Command)]
#[command(aggregate = Account)]
enum Either { A(#[id] AccountId) }

fn main() {}
