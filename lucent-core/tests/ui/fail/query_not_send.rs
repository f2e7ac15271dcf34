#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[query_handler]
pub async fn balance_of(_: BalanceOf) -> Result<u64, ReadError> {
    let shared = std::rc::Rc::new(7);
    std::future::ready(()).await;
    Ok(*shared)
}

fn main() {}
