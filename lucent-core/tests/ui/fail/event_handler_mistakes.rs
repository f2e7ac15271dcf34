#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[event_handler]
pub async fn nameless(_: &AccountEvent) {}

#[event_handler(name = "a")]
pub async fn nothing() {}

#[event_handler(name = "b")]
pub async fn owned(_: AccountEvent, _: Resource<String>) {}

fn main() {}
