#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn nothing() -> AccountEvent {
    AccountEvent::Opened
}

#[command_handler]
pub fn only_context(_: &CommandContext) -> AccountEvent {
    AccountEvent::Opened
}

fn main() {}
