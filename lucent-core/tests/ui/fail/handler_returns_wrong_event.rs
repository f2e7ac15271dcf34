#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
pub enum OtherEvent { Happened }

#[command_handler]
pub fn withdraw(_: &Account, _: &Withdraw) -> Result<OtherEvent, std::fmt::Error> {
    Ok(OtherEvent::Happened)
}

fn main() {}
