//! A domain for the cases of decision models: courses and their students.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct CourseId(pub Uuid);

#[derive(Serialize, Deserialize, Event)]
pub enum CourseEvent {
    Defined {
        #[tag]
        course: CourseId,
    },
    Subscribed {
        #[tag]
        course: CourseId,
        #[tag]
        student: String,
    },
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
pub struct Seats {
    #[tag]
    course: CourseId,
    free: u32,
}

impl Evolve for Seats {
    fn evolve(&mut self, _: &CourseEvent) {}
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
pub struct Load {
    #[tag]
    student: String,
    courses: u32,
}

impl Evolve for Load {
    fn evolve(&mut self, _: &CourseEvent) {}
}

#[derive(Clone, Command)]
pub struct Subscribe {
    #[tag]
    pub course: CourseId,
    #[tag]
    pub student: String,
}
