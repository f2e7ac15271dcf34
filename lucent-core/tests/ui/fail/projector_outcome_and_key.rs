#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

fn key(_: &AccountEvent) -> f64 { 0.5 }

#[projector(name = "a", version = 1, key = key)]
pub fn accounts(_: &mut AccountView, _: &AccountEvent) -> bool { true }

fn main() {}
