#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[function(on = Account)]
pub fn of_a_state(account: &Account) -> bool { let _ = account; true }

#[function(on = AccountEvent::Closed)]
pub fn of_no_variant(event: &AccountEvent) -> bool { let _ = event; true }

#[function(on = AccountEvent)]
pub fn of_another_type(account: &Account) -> bool { let _ = account; true }

fn main() {}
