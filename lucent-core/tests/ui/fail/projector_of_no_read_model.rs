#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[projector(name = "a", version = 1)]
pub fn accounts(_: &mut Account, _: &AccountEvent) {}

fn main() {}
