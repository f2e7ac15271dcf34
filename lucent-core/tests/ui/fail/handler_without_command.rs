#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn only_state(_: &Account) -> AccountEvent {
    AccountEvent::Opened
}

fn main() {}
