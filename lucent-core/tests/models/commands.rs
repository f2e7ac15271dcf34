//! What a command on decision models does, with nobody else around.

use std::time::Duration;

use lucent_core::{
    CommandError,
    prelude::*,
    registry::{FunctionKind, Registry as _},
    store::EventFilter,
};

use super::courses::{self, Refusal, app, define, leave, rename, subscription};
use crate::app::store_with_faults::{Fault, StoreWithFaults};

#[tokio::test]
async fn a_command_is_decided_on_the_events_with_its_tags() {
    let app = app(MemoryStore::new()).await;
    app.execute(define("rust", 2)).await.unwrap();
    app.execute(define("go", 9)).await.unwrap();
    let done = app.execute(subscription("rust", "ann")).await.unwrap();
    assert_eq!((done.reply, done.events, done.position), (1, 1, Position::new(3)));
    assert_eq!(app.execute(subscription("rust", "bob")).await.unwrap().reply, 0);
    let full = app.execute(subscription("rust", "eve")).await.unwrap_err();
    assert_eq!(full.refusal(), Some(Refusal::Full));
    assert_eq!(app.execute(subscription("go", "eve")).await.unwrap().reply, 8);
    let again = app.execute(define("go", 1)).await.unwrap_err();
    assert_eq!(again.refusal(), Some(Refusal::Exists));
}

#[tokio::test]
async fn each_model_of_a_tuple_has_its_own_tags() {
    let app = app(MemoryStore::new()).await;
    for course in ["a", "b", "c", "d"] {
        app.execute(define(course, 5)).await.unwrap();
    }
    for course in ["a", "b", "c"] {
        app.execute(subscription(course, "ann")).await.unwrap();
    }
    let refused = app.execute(subscription("d", "ann")).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::TooMany));
    assert_eq!(app.execute(subscription("d", "bob")).await.unwrap().reply, 4);
}

#[tokio::test]
async fn events_go_to_the_streams_of_their_first_tags() {
    let app = app(MemoryStore::new()).await;
    for course in ["a", "b"] {
        app.execute(define(course, 5)).await.unwrap();
        app.execute(subscription(course, "ann")).await.unwrap();
    }
    let done = app.execute(leave("ann")).await.unwrap();
    assert_eq!((done.events, done.version), (2, Version::new(3)));
    let mut log = app.subscribe(EventFilter::category("course"), Position::ZERO);
    let mut streams = Vec::new();
    while let Some(event) = log.try_next().await.unwrap() {
        streams.push(format!("{} {}", event.stream, event.version));
    }
    let expected =
        ["course-a 1", "course-a 2", "course-b 1", "course-b 2", "course-a 3", "course-b 3"];
    assert_eq!(streams, expected);
}

#[tokio::test]
async fn an_empty_decision_writes_nothing_and_has_a_position_to_read_after() {
    let app = app(MemoryStore::new()).await;
    let defined = app.execute(define("a", 5)).await.unwrap();
    let done = app.execute(leave("ann")).await.unwrap();
    assert_eq!((done.events, done.version), (0, Version::ZERO));
    assert_eq!(done.position, defined.position);
    assert_eq!(app.store().head().await.unwrap(), defined.position);
}

#[tokio::test]
async fn a_command_id_that_is_used_twice_has_one_effect_and_one_reply() {
    let app = app(MemoryStore::new()).await;
    app.execute(define("a", 5)).await.unwrap();
    let id = CommandId::new();
    let first = app.execute(subscription("a", "ann")).id(id).await.unwrap();
    let second = app.execute(subscription("a", "ann")).id(id).await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!((first.reply, second.reply), (4, 4));
    assert_eq!((first.position, first.version), (second.position, second.version));
    let nothing = CommandId::new();
    let first = app.execute(leave("bob")).id(nothing).await.unwrap();
    app.execute(subscription("a", "bob")).await.unwrap();
    let second = app.execute(leave("bob")).id(nothing).await.unwrap();
    assert!(!first.repeated && second.repeated, "an empty decision is an outcome as well");
}

#[tokio::test]
async fn a_repeat_that_overtakes_its_first_outcome_is_not_refused_for_it() {
    let (store, faults) = StoreWithFaults::new();
    let (here, there) = (app(store.clone()).await, app(store).await);
    here.execute(define("a", 5)).await.unwrap();
    let id = CommandId::new();
    // The store does not know the command yet when the repeat asks for it.
    faults.set(Fault::ForgetCommandOnce);
    here.execute(subscription("a", "ann")).id(id).await.unwrap();
    faults.set(Fault::ForgetCommandOnce);
    let repeat = there.execute(subscription("a", "ann")).id(id).await.unwrap();
    assert!(repeat.repeated && repeat.reply == 4);
}

#[tokio::test]
async fn context_and_causation_travel_with_the_events() {
    let app = app(MemoryStore::new()).await;
    let context = BusinessContext::default().with("user", "ada");
    app.execute(define("a", 5)).context(context).await.unwrap();
    let mut log = app.subscribe(EventFilter::all(), Position::ZERO);
    let defined = log.next().await.unwrap();
    app.execute(subscription("a", "ann")).caused_by(&defined).await.unwrap();
    let subscribed = log.next().await.unwrap();
    assert_eq!(subscribed.metadata.context().field("user"), Some("ada"));
    assert_eq!(subscribed.metadata.correlation(), defined.metadata.correlation());
}

#[tokio::test]
async fn a_conflict_without_end_is_reported_after_the_declared_retries() {
    let (store, faults) = StoreWithFaults::new();
    let app = App::new(courses::registry())
        .store(store)
        .retry(RetryPolicy { retries: 3, pause: Duration::ZERO })
        .start()
        .await
        .unwrap();
    faults.set(Fault::Conflict);
    let error = app.execute(define("a", 5)).await.unwrap_err();
    assert!(matches!(error, CommandError::Conflict(_)) && error.is_transient(), "{error}");
    assert_eq!(faults.appends(), 4);
    faults.set(Fault::Busy);
    assert!(matches!(app.execute(define("a", 5)).await, Err(CommandError::Busy(_))));
    faults.set(Fault::None);
    app.execute(define("a", 5)).await.unwrap();
}

#[tokio::test]
async fn a_command_that_is_dropped_halfway_leaves_all_or_nothing_and_its_turn() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(define("a", 2)).await.unwrap();
    faults.set(Fault::Hang);
    let hung = app.execute(subscription("a", "ann")).into_future();
    assert!(futures::FutureExt::now_or_never(hung).is_none());
    faults.set(Fault::None);
    assert_eq!(app.execute(subscription("a", "bob")).await.unwrap().reply, 0);
}

#[tokio::test]
async fn a_value_that_cannot_be_a_tag_is_refused_before_anything_is_read() {
    let app = app(MemoryStore::new()).await;
    for course in ["\n".to_owned(), "x".repeat(300)] {
        let error = app.execute(define(&course, 1)).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid { .. }), "{error}");
    }
    app.execute(define("ünïcode : 'quotes' % 🦀", 1)).await.unwrap();
}

#[tokio::test]
async fn events_of_types_that_a_model_leaves_out_do_not_reach_it() {
    let app = app(MemoryStore::new()).await;
    app.execute(define("a", 1)).await.unwrap();
    app.execute(rename("a")).await.unwrap();
    assert_eq!(app.execute(subscription("a", "ann")).await.unwrap().reply, 0);
}

#[tokio::test]
async fn the_registry_knows_the_models_of_a_handler() {
    let of = |wanted| {
        let registry = courses::registry();
        let function = registry.functions().find(|function| function.name == wanted).unwrap();
        match function.kind {
            FunctionKind::CommandHandler { command, states, events } => {
                (command, states, events.name)
            }
            _ => panic!("{function:?}"),
        }
    };
    let both: &[&str] = &["CourseCapacity", "StudentLoad"];
    assert_eq!(of("subscribe"), ("Subscribe", both, "CourseEvent"));
    assert_eq!(of("leave_all").1, ["StudentLoad"]);
}
