//! Whatever the order in which commands of several processes get on, the rules hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    task::{Context, Poll},
};

use futures::{future::BoxFuture, task::noop_waker};
use lucent_core::{
    prelude::*,
    store::{EventFilter, EventStore as _, LogRead},
};
use proptest::prelude::*;

use super::courses::{self, CourseEvent, MOST_COURSES, define, leave, rename, subscription};
use crate::app::store_with_faults::{Fault, StoreWithFaults};

const COURSES: [&str; 4] = ["a", "b", "c", "d"];
const STUDENTS: [&str; 3] = ["ann", "bob", "eve"];

#[derive(Clone, Debug)]
enum Act {
    Define(usize, u32),
    Rename(usize),
    Subscribe(usize, usize),
    Leave(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let (course, student) = (0..COURSES.len(), 0..STUDENTS.len());
    prop_oneof![
        1 => (course.clone(), 0..3_u32).prop_map(|(course, seats)| Act::Define(course, seats)),
        1 => course.clone().prop_map(Act::Rename),
        8 => (course, student.clone()).prop_map(|(course, student)| Act::Subscribe(course, student)),
        1 => student.prop_map(Act::Leave),
    ]
}

/// Executes an act; whether something happened.
fn execute(app: &App<courses::Registry>, act: &Act) -> BoxFuture<'static, bool> {
    macro_rules! happened {
        ($command:expr) => {{
            let outcome = app.execute($command).into_future();
            Box::pin(async move {
                match outcome.await {
                    Ok(done) => done.events > 0,
                    Err(CommandError::Refused(_)) => false,
                    Err(error) => panic!("{error}"),
                }
            })
        }};
    }
    match *act {
        Act::Define(course, seats) => happened!(define(COURSES[course], seats)),
        Act::Rename(course) => happened!(rename(COURSES[course])),
        Act::Subscribe(course, student) => {
            happened!(subscription(COURSES[course], STUDENTS[student]))
        }
        Act::Leave(student) => happened!(leave(STUDENTS[student])),
    }
}

/// Lets the acts get on in the order of the schedule, then one after another.
fn play(mut acts: Vec<BoxFuture<'static, bool>>, schedule: &[usize]) -> usize {
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    let mut schedule = schedule.iter().copied();
    let (mut happened, mut turn) = (0, 0);
    while !acts.is_empty() {
        turn = schedule.next().unwrap_or(turn + 1) % acts.len();
        if let Poll::Ready(it_did) = acts[turn].as_mut().poll(&mut context) {
            happened += usize::from(it_did);
            drop(acts.remove(turn));
        }
    }
    happened
}

/// Checks the rules after each event of the log; gives the number of positions that commands took.
fn check(events: &[RecordedEvent]) {
    let mut seats = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for event in events {
        match CourseEvent::decode(event).unwrap().unwrap() {
            CourseEvent::CourseDefined { course, seats: number } => {
                assert_eq!(seats.insert(course, number), None, "a course was defined twice");
            }
            CourseEvent::CourseRenamed { course, .. } => assert!(seats.contains_key(&course)),
            CourseEvent::StudentSubscribed { course, student } => {
                assert!(taken.insert((course.clone(), student.clone())), "subscribed twice");
                let of_course = taken.iter().filter(|(one, _)| *one == course).count();
                assert!(of_course <= seats[&course] as usize, "a course has too many students");
                let of_student = taken.iter().filter(|(_, one)| *one == student).count();
                assert!(of_student <= MOST_COURSES as usize, "a student has too many courses");
            }
            CourseEvent::StudentUnsubscribed { course, student } => {
                assert!(taken.remove(&(course, student)), "unsubscribed twice");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_rules_hold_whatever_the_interleaving(
        acts in prop::collection::vec((0..3_usize, act()), 1..24),
        schedule in prop::collection::vec(0..24_usize, 0..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _guard = runtime.enter();
        let (store, faults) = StoreWithFaults::new();
        let retry = RetryPolicy { retries: u32::MAX, pause: std::time::Duration::ZERO };
        let apps: Vec<_> = (0..3)
            .map(|_| {
                let app = App::new(courses::registry()).store(store.clone()).retry(retry);
                runtime.block_on(app.start()).unwrap()
            })
            .collect();
        for course in &COURSES[..2] {
            runtime.block_on(apps[0].execute(define(course, 2)).into_future()).unwrap();
        }
        faults.set(Fault::Yield);
        let commands = acts.iter().map(|(process, act)| execute(&apps[*process], act)).collect();
        let happened = play(commands, &schedule);
        faults.set(Fault::None);
        let page = pin!(store.read_log(LogRead::after(EventFilter::all(), Position::ZERO)));
        let events = runtime.block_on(page).unwrap().events;
        check(&events);
        let commands: BTreeSet<_> =
            events.iter().map(|event| event.metadata.causation()).collect();
        prop_assert_eq!(commands.len(), happened + 2, "what happened is what callers were told");
    }
}
