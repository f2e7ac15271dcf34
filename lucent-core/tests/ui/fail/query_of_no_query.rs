#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[query_handler]
pub async fn balance_of(_: AccountId) -> Result<u64, ReadError> { Ok(0) }

fn main() {}
