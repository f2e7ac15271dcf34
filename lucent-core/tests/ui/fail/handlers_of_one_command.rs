#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) {}

#[command_handler]
pub fn withdraw_again(_: &Account, _: &Withdraw) {}

fn main() {}
