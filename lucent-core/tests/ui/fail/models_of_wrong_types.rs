#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[path = "../domain.rs"]
mod domain;
use domain::*;

struct NoModel;

#[command_handler]
fn subscribe((seats, other): (&Seats, &NoModel), _: &Subscribe) {}

#[derive(Command)]
struct Leave {
    #[tag]
    course: CourseId,
}

#[command_handler]
fn leave(account: &Account, _: &Leave) {}

#[command_handler]
fn withdraw(seats: &Seats, _: &Withdraw) {}

fn main() {}
