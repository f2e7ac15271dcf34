#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler(nam = "w", version = 1)]
pub fn withdraw(_: &Account, _: &Withdraw) {}

#[command_handler]
pub struct NotAFunction;

#[query_handler(name = 7)]
pub fn balance_of(_: BalanceOf) -> Result<u64, ReadError> { Ok(0) }

fn main() {}
