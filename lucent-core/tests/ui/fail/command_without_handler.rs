#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

fn needs<C: lucent_core::Handled>(_: C) {}

fn main() {
    needs(Withdraw { account: AccountId::new() });
}
