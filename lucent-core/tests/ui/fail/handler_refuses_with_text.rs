#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) -> Result<AccountEvent, String> {
    Err("no".to_owned())
}

fn main() {}
