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

#[projector(name = "parts", version = 1, inline, partitions = 0)]
pub fn nothing(_: &mut AccountView, _: &AccountEvent) {}

#[projector(name = "more", version = 1, live, partitions = 9_000)]
pub fn too_many(_: &mut AccountView, _: &AccountEvent) {}

fn main() {}
