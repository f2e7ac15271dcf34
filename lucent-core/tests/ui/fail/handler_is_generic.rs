#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw<T: Default, const N: usize>(_: &Account, _: &Withdraw) {}

fn main() {}
