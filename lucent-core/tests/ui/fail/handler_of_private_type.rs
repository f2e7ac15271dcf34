#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Serialize, Deserialize)]
struct Receipt;

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) -> Decision<AccountEvent, Receipt> {
    Decision::nothing().reply(Receipt)
}

fn main() {}
