#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent, types("Defined", "Subscribd"))]
struct OfUnknown {
    #[tag]
    course: CourseId,
}
impl Evolve for OfUnknown {
    fn evolve(&mut self, _: &CourseEvent) {}
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent, types("Subscribed", "Defined"))]
struct OfUntagged {
    #[tag]
    student: String,
}
impl Evolve for OfUntagged {
    fn evolve(&mut self, _: &CourseEvent) {}
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
struct OfNothing {
    #[tag]
    teacher: String,
}
impl Evolve for OfNothing {
    fn evolve(&mut self, _: &CourseEvent) {}
}

fn main() {}
