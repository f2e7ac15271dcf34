#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[command_handler]
fn subscribe(_: &Subscribe) -> CourseEvent {
    unimplemented!()
}

fn main() {}
