#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub async unsafe fn withdraw(_: &Account, _: &Withdraw) {}

fn main() {}
