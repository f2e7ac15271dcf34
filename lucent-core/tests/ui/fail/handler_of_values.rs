#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn owned(_: Account, _: Withdraw, _: CommandContext) {}

fn main() {}
