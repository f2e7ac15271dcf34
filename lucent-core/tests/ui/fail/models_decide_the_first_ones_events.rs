#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[path = "../domain.rs"]
mod domain;
use domain::AccountEvent;

#[command_handler]
fn subscribe((seats, load): (&Seats, &Load), _: &Subscribe) -> AccountEvent {
    AccountEvent::Opened
}

fn main() {}
