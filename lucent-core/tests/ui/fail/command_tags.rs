#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[path = "../domain.rs"]
mod domain;
use domain::*;

#[derive(Command)]
struct Both {
    #[id]
    account: AccountId,
    #[tag]
    course: CourseId,
}

#[derive(Command)]
#[command(aggregate = Account)]
struct Named {
    #[tag]
    course: CourseId,
}

#[derive(Command)]
#[command(untagged)]
struct Untagged {
    #[tag]
    course: CourseId,
    #[tag("course")]
    other: CourseId,
}

#[derive(Command)]
struct Neither {
    course: CourseId,
}

fn main() {}
