#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[projector(name = "a", version = 1)]
pub fn reads(_: &AccountView, _: AccountEvent) {}

#[projector(name = "b", version = 1)]
pub fn lonely(_: &mut AccountView) {}

#[projector(name = "c", version = 1)]
pub async fn asks(_: &mut AccountView, _: &AccountEvent, _: &View<AccountView>) {}

#[projector(name = "d", version = 1)]
pub fn many(_: &mut AccountView, _: &AccountEvent, _: &RecordedEvent, _: u8) {}

fn main() {}
