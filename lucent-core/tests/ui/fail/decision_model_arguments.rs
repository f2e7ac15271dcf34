#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[derive(DecisionModel)]
struct NoEvent {
    #[tag]
    course: CourseId,
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent, type("Defined"), types(Defined))]
struct Misspelt {
    #[tag(course)]
    course: CourseId,
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
struct Twice {
    #[tag]
    course: CourseId,
    #[tag("course")]
    other: CourseId,
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
struct Generic<T> {
    #[tag]
    course: T,
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
enum Either {
    A,
}

fn main() {}
