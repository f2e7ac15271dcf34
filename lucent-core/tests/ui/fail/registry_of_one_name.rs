#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

mod other {
    use super::domain::*;
    use lucent_core::prelude::*;

    #[projector(name = "withdraw", version = 1)]
    pub fn accounts(_: &mut AccountView, _: &AccountEvent) {}
}

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) {}

lucent_core::registry! { functions: [withdraw, other::accounts, withdraw] }

fn main() {}
