#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
struct Other;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent, shared_id)]
struct Ledger;

#[evolve]
fn apply(_: &mut Ledger, _: &Other) {}

fn main() {}
