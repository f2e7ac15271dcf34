#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw(_: &AccountView, _: &Withdraw) -> AccountEvent {
    AccountEvent::Opened
}

fn main() {}
