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

#[event_handler(name = "c", partitions = 2000, checkpoint = 1)]
pub async fn crowded(_: &AccountEvent) {}

#[event_handler(name = "d", checkpoint(often))]
pub async fn vague(_: &AccountEvent) {}

#[event_handler(name = "e", version = 1)]
pub async fn versioned(_: &AccountEvent) {}

fn main() {}
