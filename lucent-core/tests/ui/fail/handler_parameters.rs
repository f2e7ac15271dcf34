#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn changes(_: &mut Account, _: &mut Withdraw) {}

#[command_handler]
pub fn early(_: &CommandContext, _: &Account, _: &Withdraw) {}

#[command_handler]
pub fn many(_: &Account, _: &Withdraw, _: u8) {}

fn main() {}
