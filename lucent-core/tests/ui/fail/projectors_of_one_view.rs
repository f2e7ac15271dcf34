#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[projector(name = "a", version = 1)]
pub fn one(_: &mut AccountView, _: &AccountEvent) {}

#[projector(name = "b", version = 1)]
pub fn two(_: &mut AccountView, _: &AccountEvent) {}

fn main() {}
