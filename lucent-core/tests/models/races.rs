//! Commands that race for what only one of them can have.

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Barrier;

use super::courses::{Refusal, app, define, rename, subscription};
use crate::app::store_with_faults::{Fault, StoreWithFaults};

#[tokio::test]
async fn of_many_subscribers_on_the_last_seat_exactly_one_wins() {
    let (store, faults) = StoreWithFaults::new();
    faults.set(Fault::Yield);
    // Each one has an application of its own, as if each were a process.
    let mut apps = Vec::new();
    for _ in 0..16 {
        apps.push(app(store.clone()).await);
    }
    for round in 0..20 {
        let course = format!("course {round}");
        apps[0].execute(define(&course, 1)).await.unwrap();
        let start = Arc::new(Barrier::new(apps.len()));
        let racers = apps.iter().enumerate().map(|(index, app)| {
            let command = subscription(&course, &format!("student {round} {index}"));
            let (execute, start) = (app.execute(command), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                execute.await
            })
        });
        let outcomes = join_all(racers).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.into_iter().map(Result::unwrap).partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for loser in lost {
            assert_eq!(loser.unwrap_err().refusal(), Some(Refusal::Full));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_of_one_process_take_turns_and_need_no_retries() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(define("a", 100)).await.unwrap();
    let before = faults.appends();
    let racers = (0..100).map(|index| {
        let execute = app.execute(subscription("a", &format!("student {index}")));
        tokio::spawn(execute.into_future())
    });
    let mut left: Vec<u32> =
        join_all(racers).await.into_iter().map(|done| done.unwrap().unwrap().reply).collect();
    left.sort_unstable();
    assert_eq!(left, (0..100).collect::<Vec<_>>());
    assert_eq!(faults.appends() - before, 100);
}

#[tokio::test]
async fn one_student_cannot_get_around_the_limit_by_subscribing_to_many_courses_at_once() {
    let (store, faults) = StoreWithFaults::new();
    faults.set(Fault::Yield);
    let mut apps = Vec::new();
    for index in 0..8 {
        let app = app(store.clone()).await;
        app.execute(define(&format!("course {index}"), 10)).await.unwrap();
        apps.push(app);
    }
    let racers = apps.iter().enumerate().map(|(index, app)| {
        let command = subscription(&format!("course {index}"), "ann");
        tokio::spawn(app.execute(command).into_future())
    });
    let outcomes = join_all(racers).await;
    let won = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok());
    assert_eq!(won.count(), super::courses::MOST_COURSES as usize);
}

#[tokio::test]
async fn what_happens_between_the_decision_and_its_append_is_seen_by_the_next_try() {
    let (store, faults) = StoreWithFaults::new();
    let (here, there) = (app(store.clone()).await, app(store).await);
    here.execute(define("a", 1)).await.unwrap();
    let before = faults.appends();
    faults.before_the_next_append(async move {
        there.execute(subscription("a", "bob")).await.unwrap();
    });
    let refused = here.execute(subscription("a", "ann")).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Full));
    assert_eq!(faults.appends() - before, 2, "the winner's, and one that failed");
}

#[tokio::test]
async fn what_is_of_no_concern_to_the_models_does_not_get_in_the_way() {
    let (store, faults) = StoreWithFaults::new();
    let (here, there) = (app(store.clone()).await, app(store).await);
    here.execute(define("a", 1)).await.unwrap();
    here.execute(define("b", 1)).await.unwrap();
    let before = faults.appends();
    faults.before_the_next_append(async move {
        there.execute(rename("a")).await.unwrap();
        there.execute(subscription("b", "bob")).await.unwrap();
    });
    here.execute(subscription("a", "ann")).await.unwrap();
    assert_eq!(faults.appends() - before, 3, "each was appended at the first try");
}
