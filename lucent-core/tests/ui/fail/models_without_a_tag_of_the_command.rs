#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[derive(Command)]
struct Define {
    #[tag]
    course: CourseId,
}

#[command_handler]
fn define((seats, load): (&Seats, &Load), _: &Define) {}

#[derive(Command)]
struct Rename {
    #[tag]
    course: String,
}

#[command_handler]
fn rename(seats: &Seats, _: &Rename) {}

fn main() {}
