#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[query_handler]
pub async fn balance_of(_: BalanceOf, text: &String) -> Result<usize, ReadError> {
    Ok(text.len())
}

fn main() {}
