#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[event_handler(name = "a")]
pub async fn counts(_: &AccountEvent) -> u64 { 0 }

fn main() {}
