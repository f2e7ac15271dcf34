//! Decision models: courses with seats, students with a limit, and names that only one can have.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct CourseId(String);

#[derive(AggregateId)]
pub struct StudentId(String);

// ANCHOR: events
#[derive(Debug, Serialize, Deserialize, Event)]
pub enum CourseEvent {
    CourseDefined {
        #[tag]
        course: CourseId,
        seats: u32,
    },
    StudentSubscribed {
        #[tag]
        course: CourseId,
        #[tag]
        student: StudentId,
    },
}
// ANCHOR_END: events

// ANCHOR: models
#[derive(DecisionModel)]
#[decision_model(event = CourseEvent)]
pub struct Seats {
    #[tag]
    course: CourseId,
    free: u32,
}

impl Evolve for Seats {
    fn evolve(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::CourseDefined { seats, .. } => self.free = *seats,
            CourseEvent::StudentSubscribed { .. } => self.free -= 1,
        }
    }
}

#[derive(DecisionModel)]
#[decision_model(event = CourseEvent, types("StudentSubscribed"))]
pub struct Workload {
    #[tag]
    student: StudentId,
    courses: u32,
}

impl Evolve for Workload {
    fn evolve(&mut self, _: &CourseEvent) {
        self.courses += 1;
    }
}
// ANCHOR_END: models

// ANCHOR: command
#[derive(Clone, Debug, Command)]
pub struct Subscribe {
    #[tag]
    pub course: CourseId,
    #[tag]
    pub student: StudentId,
}

#[command_handler]
pub fn subscribe(
    (seats, workload): (&Seats, &Workload),
    command: &Subscribe,
) -> Result<CourseEvent, SubscribeError> {
    ensure!(seats.free > 0, SubscribeError::Full);
    ensure!(workload.courses < 5, SubscribeError::TooMany);
    let Subscribe { course, student } = command.clone();
    Ok(CourseEvent::StudentSubscribed { course, student })
}
// ANCHOR_END: command

#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    #[error("the course is full")]
    Full,
    #[error("the student has five courses")]
    TooMany,
}

#[derive(Debug, Serialize, Deserialize, Event)]
pub enum UserEvent {
    UserRegistered {
        #[tag]
        username: String,
    },
}

// ANCHOR: username
#[derive(DecisionModel)]
#[decision_model(event = UserEvent)]
pub struct Username {
    #[tag]
    username: String,
    is_taken: bool,
}

impl Evolve for Username {
    fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserRegistered { .. } => self.is_taken = true,
        }
    }
}

#[derive(Debug, Command)]
pub struct Register {
    #[tag]
    pub username: String,
}

#[command_handler]
pub fn register(name: &Username, command: &Register) -> Result<UserEvent, NameTaken> {
    ensure!(!name.is_taken, NameTaken);
    Ok(UserEvent::UserRegistered { username: command.username.clone() })
}
// ANCHOR_END: username

#[derive(Debug, thiserror::Error)]
#[error("the name is taken")]
pub struct NameTaken;

#[cfg(test)]
mod tests {
    use lucent_testkit::{given, refused};

    use super::*;

    // ANCHOR: test
    #[test]
    fn the_last_seat_is_taken_once() {
        let course = || CourseId::from("rust".to_owned());
        let student = |name: &str| StudentId::from(name.to_owned());
        given([CourseEvent::CourseDefined { course: course(), seats: 1 }])
            .when(Subscribe { course: course(), student: student("ann") })
            .then(CourseEvent::StudentSubscribed { course: course(), student: student("ann") })
            .and_when(Subscribe { course: course(), student: student("bob") })
            .then(refused(SubscribeError::Full));
    }
    // ANCHOR_END: test

    #[test]
    fn a_name_is_taken_once() {
        let register = || Register { username: "ann".to_owned() };
        given([])
            .when(register())
            .then(UserEvent::UserRegistered { username: "ann".to_owned() })
            .and_when(register())
            .then_refused(NameTaken);
    }
}
