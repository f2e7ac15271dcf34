#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent, snapshot(every = 10), shared_id)]
struct Ledger;

impl Evolve for Ledger {
    fn evolve(&mut self, _: &AccountEvent) {}
}

fn main() {}
