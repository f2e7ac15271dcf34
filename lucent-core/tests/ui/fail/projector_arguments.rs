#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[projector]
pub fn bare(_: &mut AccountView, _: &AccountEvent) {}

#[projector(name = "", version = 0, inline, live, key = 1 + 1)]
pub fn slips(_: &mut AccountView, _: &AccountEvent) {}

#[projector(nmae = "x", version = 1, inlin)]
pub fn misspelt(_: &mut AccountView, _: &AccountEvent) {}

fn main() {}
