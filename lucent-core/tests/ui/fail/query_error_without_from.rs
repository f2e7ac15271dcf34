#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Debug)]
pub struct Refused;

#[query_handler]
pub async fn balance_of(_: BalanceOf) -> Result<u64, Refused> { Err(Refused) }

fn main() {}
