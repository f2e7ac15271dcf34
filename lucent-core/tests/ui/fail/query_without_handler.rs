#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

fn needs<Q: lucent_core::Answered>(_: Q) {}

fn main() {
    needs(BalanceOf(AccountId::new()));
}
