#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[query_handler]
pub async fn by_reference(_: &BalanceOf, _: View<AccountView>) -> Result<u64, ReadError> { Ok(0) }

#[query_handler]
pub async fn nothing() -> Result<u64, ReadError> { Ok(0) }

fn main() {}
