#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent)]
struct Ledger;

impl Evolve for Ledger {
    fn evolve(&mut self, _: &AccountEvent) {}
}

fn main() {}
