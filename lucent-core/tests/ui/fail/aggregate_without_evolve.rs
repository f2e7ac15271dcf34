#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent, shared_id)]
struct Frozen;

fn main() {}
