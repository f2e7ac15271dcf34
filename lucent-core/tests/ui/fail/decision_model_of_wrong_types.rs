#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

struct NoEvent;
struct NoDefault;
#[derive(Clone)]
struct NoText;

#[derive(DecisionModel)]
#[decision_model(event = NoEvent)]
struct OfNoEvent;
impl Evolve for OfNoEvent {
    fn evolve(&mut self, _: &NoEvent) {}
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
struct OfNoDefault {
    #[tag("course")]
    text: NoText,
    other: NoDefault,
}
impl Evolve for OfNoDefault {
    fn evolve(&mut self, _: &CourseEvent) {}
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
struct WithoutEvolve {
    #[tag]
    course: CourseId,
}

fn main() {}
