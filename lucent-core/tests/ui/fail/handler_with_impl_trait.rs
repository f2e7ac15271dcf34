#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[command_handler]
pub fn withdraw(_: &Account, _: &impl Command) -> Option<impl Event> {
    None::<AccountEvent>
}

fn main() {}
