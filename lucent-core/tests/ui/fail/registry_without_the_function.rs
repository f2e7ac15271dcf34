#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) {}

lucent_core::registry! { functions: [] }

fn execute<R, C: lucent_core::Handled>(_: R, _: C)
where
    R: lucent_core::registry::Includes<C::Home>,
{
}

fn main() {
    execute(registry(), Withdraw { account: AccountId::new() });
}
