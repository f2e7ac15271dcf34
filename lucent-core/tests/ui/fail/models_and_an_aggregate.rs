#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[path = "../domain.rs"]
mod domain;
use domain::*;

#[command_handler]
fn subscribe((seats, account): (&Seats, &Account), _: &Subscribe) {}

fn main() {}
