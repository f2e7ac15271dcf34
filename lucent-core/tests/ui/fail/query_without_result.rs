#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[query_handler]
pub async fn balance_of(_: BalanceOf) -> Option<u64> {
    None
}

fn main() {}
