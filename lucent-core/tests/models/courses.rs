//! Courses with seats, and students with a limit of courses: the domain of these tests.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct CourseId(String);

#[derive(AggregateId)]
pub struct StudentId(String);

/// How many courses a student may have.
pub const MOST_COURSES: u32 = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum CourseEvent {
    CourseDefined {
        #[tag]
        course: CourseId,
        seats: u32,
    },
    CourseRenamed {
        #[tag]
        course: CourseId,
        title: String,
    },
    StudentSubscribed {
        #[tag]
        course: CourseId,
        #[tag]
        student: StudentId,
    },
    StudentUnsubscribed {
        #[tag]
        course: CourseId,
        #[tag]
        student: StudentId,
    },
}

#[derive(Debug, PartialEq, DecisionModel)]
#[decision_model(
    event = CourseEvent,
    types("CourseDefined", "StudentSubscribed", "StudentUnsubscribed")
)]
pub struct CourseCapacity {
    #[tag]
    course: CourseId,
    seats: Option<u32>,
    taken: u32,
}

impl Evolve for CourseCapacity {
    fn evolve(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::CourseDefined { seats, .. } => self.seats = Some(*seats),
            CourseEvent::CourseRenamed { .. } => unreachable!("it is of another type"),
            CourseEvent::StudentSubscribed { .. } => self.taken += 1,
            CourseEvent::StudentUnsubscribed { .. } => self.taken -= 1,
        }
    }
}

#[derive(Debug, DecisionModel)]
#[decision_model(event = CourseEvent)]
pub struct StudentLoad {
    #[tag]
    student: StudentId,
    courses: Vec<CourseId>,
}

#[evolve]
fn fold_load(load: &mut StudentLoad, event: &CourseEvent) {
    match event {
        CourseEvent::CourseDefined { .. } | CourseEvent::CourseRenamed { .. } => {
            unreachable!("it has no student")
        }
        CourseEvent::StudentSubscribed { course, .. } => load.courses.push(course.clone()),
        CourseEvent::StudentUnsubscribed { course, .. } => load.courses.retain(|one| one != course),
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such course")]
    NoCourse,
    #[error("the course exists")]
    Exists,
    #[error("the course is full")]
    Full,
    #[error("the student has too many courses")]
    TooMany,
    #[error("the student has this course")]
    Subscribed,
}

#[derive(Clone, Debug, Command)]
pub struct DefineCourse {
    #[tag]
    pub course: CourseId,
    pub seats: u32,
}

#[command_handler]
pub fn define_course(
    course: &CourseCapacity,
    command: &DefineCourse,
) -> Result<CourseEvent, Refusal> {
    ensure!(course.seats.is_none(), Refusal::Exists);
    Ok(CourseEvent::CourseDefined { course: command.course.clone(), seats: command.seats })
}

/// A title is nobody's business but the course's; it is not in the way of subscriptions.
#[derive(Clone, Debug, Command)]
pub struct RenameCourse {
    #[tag("course")]
    pub which: CourseId,
    pub title: String,
}

#[command_handler]
pub fn rename_course(
    course: &CourseCapacity,
    command: &RenameCourse,
) -> Result<CourseEvent, Refusal> {
    ensure!(course.seats.is_some(), Refusal::NoCourse);
    Ok(CourseEvent::CourseRenamed { course: command.which.clone(), title: command.title.clone() })
}

#[derive(Clone, Debug, Command)]
pub struct Subscribe {
    #[tag]
    pub course: CourseId,
    #[tag]
    pub student: StudentId,
}

/// Replies with how many seats are left.
#[command_handler]
pub fn subscribe(
    (course, student): (&CourseCapacity, &StudentLoad),
    command: &Subscribe,
) -> Result<Decision<CourseEvent, u32>, Refusal> {
    let seats = course.seats.ok_or(Refusal::NoCourse)?;
    ensure!(!student.courses.contains(&command.course), Refusal::Subscribed);
    ensure!(course.taken < seats, Refusal::Full);
    ensure!(student.courses.len() < MOST_COURSES as usize, Refusal::TooMany);
    let subscribed = CourseEvent::StudentSubscribed {
        course: command.course.clone(),
        student: command.student.clone(),
    };
    Ok(Decision::emit(subscribed).reply(seats - course.taken - 1))
}

/// Gives every course of a student back: several events, or none.
#[derive(Clone, Debug, Command)]
pub struct LeaveAll {
    #[tag]
    pub student: StudentId,
}

#[command_handler]
pub fn leave_all(
    student: &StudentLoad,
    command: &LeaveAll,
    context: &CommandContext,
) -> Vec<CourseEvent> {
    assert_eq!(context.exists(), context.version() > Version::ZERO);
    let unsubscribed = |course: &CourseId| CourseEvent::StudentUnsubscribed {
        course: course.clone(),
        student: command.student.clone(),
    };
    student.courses.iter().map(unsubscribed).collect()
}

lucent_core::registry! {
    functions: [define_course, rename_course, subscribe, leave_all]
}

pub async fn app(store: impl lucent_core::store::Store) -> App<Registry> {
    App::new(registry()).store(store).start().await.unwrap()
}

pub fn define(course: &str, seats: u32) -> DefineCourse {
    DefineCourse { course: course.to_owned().into(), seats }
}

pub fn subscription(course: &str, student: &str) -> Subscribe {
    Subscribe { course: course.to_owned().into(), student: student.to_owned().into() }
}

pub fn leave(student: &str) -> LeaveAll {
    LeaveAll { student: student.to_owned().into() }
}

pub fn rename(course: &str) -> RenameCourse {
    RenameCourse { which: course.to_owned().into(), title: "Rust".to_owned() }
}
