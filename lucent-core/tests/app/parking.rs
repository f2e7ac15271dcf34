//! Events that fail are parked: their keys wait in order, and the others go on.

use std::time::Duration;

use lucent_core::{
    ProjectionControlError, StuckCause,
    prelude::*,
    store::{ParkedKey, ParkedLine},
};

use super::{
    notes::{NotesAbout, heal, note, read, registry, seen, start},
    store_with_faults::{Fault, StoreWithFaults},
};

fn keys(lines: &[ParkedLine]) -> Vec<String> {
    lines.iter().map(|line| line.first.key.to_string()).collect()
}

#[tokio::test]
async fn a_failing_event_holds_up_its_own_key_and_no_other() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "a1", &["a"]).await;
    let bad = note(&store, "s-1", "bad-1", &["a"]).await;
    note(&store, "s-1", "a2", &["a"]).await;
    let last = note(&store, "s-1", "b1", &["b"]).await;
    seen(&app, last).await;
    let after = note(&store, "s-2", "a3", &["a"]).await;
    seen(&app, after).await;
    assert_eq!((read(&app, "a").await, read(&app, "b").await), ("a1".into(), "b1".into()));
    let lines = app.projection("notes").unwrap().parked().await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].first.position, lines[0].events), (bad, 3));
    assert_eq!(lines[0].first.reason.as_deref(), Some("`bad-1` is not liked"));
    let status = app.projection("notes").unwrap().status().await.unwrap();
    assert_eq!((status.parked_keys, status.lag, status.failure), (1, 0, None));
}

#[tokio::test]
async fn parked_events_are_applied_in_their_order_when_they_are_retried() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    for text in ["a1", "bad-2", "a2", "a3"] {
        note(&store, "s-1", text, &["a"]).await;
    }
    seen(&app, note(&store, "s-1", "b1", &["b"]).await).await;
    let projection = app.projection("notes").unwrap();
    let again = projection.retry("a").await.unwrap();
    assert_eq!((again.applied, again.failures.len()), (0, 1));
    assert!(again.failures[0].to_string().contains("bad-2"), "{:?}", again.failures);
    assert_eq!(read(&app, "a").await, "a1");
    heal("bad-2");
    let healed = projection.retry("a").await.unwrap();
    assert_eq!((healed.applied, healed.failures.len()), (3, 0));
    assert_eq!(read(&app, "a").await, "a1 bad-2 a2 a3");
    assert!(projection.parked().await.unwrap().is_empty());
    let last = note(&store, "s-1", "a4", &["a"]).await;
    let answer = app.query(NotesAbout("a")).after(last).await.unwrap();
    assert_eq!(answer, "a1 bad-2 a2 a3 a4");
}

#[tokio::test]
async fn a_line_longer_than_a_batch_is_applied_up_to_the_next_failure() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "bad-3", &["a"]).await;
    for number in 0..600 {
        note(&store, "s-1", if number == 400 { "bad-3b" } else { "x" }, &["a"]).await;
    }
    seen(&app, note(&store, "s-1", "b1", &["b"]).await).await;
    heal("bad-3");
    let projection = app.projection("notes").unwrap();
    assert_eq!(projection.retry_all().await.unwrap().applied, 401);
    let lines = projection.parked().await.unwrap();
    assert_eq!((lines[0].events, lines[0].first.position), (200, Position::new(402)));
    heal("bad-3b");
    assert_eq!(projection.retry_all().await.unwrap().applied, 200);
    assert_eq!(read(&app, "a").await.split(' ').count(), 601);
}

#[tokio::test]
async fn of_an_event_about_two_documents_only_the_part_of_the_parked_one_waits() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "bad-4", &["a"]).await;
    note(&store, "s-1", "both", &["a", "b", "a"]).await;
    seen(&app, note(&store, "s-1", "b1", &["b"]).await).await;
    assert_eq!((read(&app, "a").await, read(&app, "b").await), (String::new(), "both b1".into()));
    heal("bad-4");
    assert_eq!(app.projection("notes").unwrap().retry("a").await.unwrap().applied, 2);
    assert_eq!(read(&app, "a").await, "bad-4 both");
    assert_eq!(read(&app, "b").await, "both b1", "it is applied once");
}

#[tokio::test]
async fn a_parked_event_can_be_dropped_and_those_behind_it_are_applied() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    for text in ["a1", "bad-5", "a2", "bad-5b", "a3"] {
        note(&store, "s-1", text, &["a"]).await;
    }
    seen(&app, note(&store, "s-1", "b1", &["b"]).await).await;
    let projection = app.projection("notes").unwrap();
    let (dropped, retried) = projection.drop_parked("a").await.unwrap();
    assert_eq!((dropped.position, retried.applied), (Position::new(2), 1));
    assert_eq!(read(&app, "a").await, "a1 a2");
    projection.drop_parked("a").await.unwrap();
    assert_eq!(read(&app, "a").await, "a1 a2 a3");
    let error = projection.drop_parked("a").await.unwrap_err();
    assert!(matches!(error, ProjectionControlError::NotParked { .. }), "{error}");
    assert!(app.projection("nothing").is_err());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_holds_up_what_its_stream_is_about() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "illegible-1", &["a"]).await;
    note(&store, "s-1", "a1", &["a"]).await;
    note(&store, "s-2", "a2", &["a"]).await;
    note(&store, "s-2", "b1", &["b"]).await;
    seen(&app, note(&store, "s-1", "c1", &["c"]).await).await;
    let answers = [read(&app, "a").await, read(&app, "b").await, read(&app, "c").await];
    assert_eq!(answers, ["", "b1", ""]);
    let projection = app.projection("notes").unwrap();
    let lines = projection.parked().await.unwrap();
    assert_eq!(keys(&lines), ["document `a`", "document `c`", "stream `s-1`"]);
    let error = projection.drop_parked("a").await.unwrap_err();
    assert!(matches!(error, ProjectionControlError::Waiting { .. }), "{error}");
    assert_eq!(projection.retry("a").await.unwrap().applied, 0);
    assert_eq!(projection.retry_all().await.unwrap().failures.len(), 1);
    heal("illegible-1");
    let stream = StreamId::new("s-1").unwrap();
    let retried = projection.retry(stream).await.unwrap();
    assert_eq!((retried.applied, retried.failures.len()), (4, 0));
    assert_eq!(read(&app, "a").await, "illegible-1 a1 a2");
    assert_eq!(read(&app, "c").await, "c1");
    assert!(projection.parked().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked_under_its_document_where_the_stream_names_it() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "page-1", "illegible-2", &[]).await;
    note(&store, "page-1", "second", &[]).await;
    seen(&app, note(&store, "page-2", "other", &[]).await).await;
    let projection = app.projection("pages").unwrap();
    while projection.status().await.unwrap().lag > 0 {
        tokio::task::yield_now().await;
    }
    let lines = projection.parked().await.unwrap();
    assert_eq!((keys(&lines), lines[0].events), (vec!["document `1`".to_owned()], 2));
    heal("illegible-2");
    assert_eq!(projection.retry_all().await.unwrap().applied, 2);
}

#[tokio::test]
async fn a_stream_that_becomes_readable_is_put_behind_what_already_waits() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "bad-6", &["a"]).await;
    note(&store, "s-2", "illegible-3", &["a"]).await;
    seen(&app, note(&store, "s-2", "a2", &["a"]).await).await;
    heal("illegible-3");
    let projection = app.projection("notes").unwrap();
    projection.retry(StreamId::new("s-2").unwrap()).await.unwrap();
    let lines = projection.parked().await.unwrap();
    assert_eq!((keys(&lines), lines[0].events), (vec!["document `a`".to_owned()], 3));
    heal("bad-6");
    assert_eq!(projection.retry("a").await.unwrap().applied, 3);
    assert_eq!(read(&app, "a").await, "bad-6 illegible-3 a2");
}

#[tokio::test]
async fn an_event_is_tried_as_often_as_the_policy_says_before_it_is_parked() {
    let store = MemoryStore::new();
    let pause = Duration::from_millis(1);
    let parking = ParkingPolicy { tries: 3, pause, ..ParkingPolicy::default() };
    let app = App::new(registry()).store(store.clone()).parking(parking).start().await.unwrap();
    note(&store, "s-1", "a1", &["a"]).await;
    note(&store, "s-1", "bad-7", &["a"]).await;
    let last = note(&store, "s-1", "bad-7b", &["b"]).await;
    app.query(NotesAbout("c")).after(last).await.unwrap();
    assert_eq!(app.projection("notes").unwrap().parked().await.unwrap().len(), 2);
    assert_eq!(app.query(NotesAbout("a")).await.unwrap(), "a1");
}

#[tokio::test]
async fn a_store_that_fails_parks_nothing() {
    let (store, faults) = StoreWithFaults::new();
    let app = start(store.clone()).await;
    note(&store, "s-1", "a1", &["a"]).await;
    seen(&app, Position::new(1)).await;
    faults.set(Fault::NoSteps);
    let last = note(&store, "s-1", "a2", &["a"]).await;
    let waiting = app.query(NotesAbout("a")).after(last).within(Duration::from_millis(200)).await;
    let error = waiting.unwrap_err();
    assert!(matches!(&error, ReadError::NotYet { failure: Some(_), .. }), "{error}");
    faults.set(Fault::None);
    let answer = app.query(NotesAbout("a")).after(last).within(Duration::from_secs(40)).await;
    assert_eq!(answer.unwrap(), "a1 a2");
    assert!(app.projection("notes").unwrap().parked().await.unwrap().is_empty());
}

#[tokio::test]
async fn where_too_many_keys_fail_the_projection_waits_instead() {
    let store = MemoryStore::new();
    let parking = ParkingPolicy { tries: 1, keys: 1, ..ParkingPolicy::default() };
    let app = App::new(registry()).store(store.clone()).parking(parking).start().await.unwrap();
    note(&store, "s-1", "bad-8", &["a"]).await;
    seen(&app, Position::new(1)).await;
    let last = note(&store, "s-1", "bad-8b", &["b"]).await;
    let error = app.query(NotesAbout("c")).after(last).await.unwrap_err();
    let cause = match error {
        ReadError::Stuck { cause, .. } => cause,
        other => panic!("{other}"),
    };
    assert!(matches!(cause, StuckCause::TooManyParked { keys: 1, .. }), "{cause}");
    heal("bad-8b");
    let answer = app.query(NotesAbout("b")).after(last).within(Duration::from_secs(40));
    while app.projection("notes").unwrap().status().await.unwrap().failure.is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(answer.await.unwrap(), "bad-8b");
}

#[tokio::test]
async fn a_query_after_a_position_does_not_read_a_document_that_waits() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    let bad = note(&store, "s-1", "bad-9", &["a"]).await;
    let last = note(&store, "s-1", "b1", &["b"]).await;
    assert_eq!(app.query(NotesAbout("b")).after(last).await.unwrap(), "b1");
    let error = app.query(NotesAbout("a")).after(last).await.unwrap_err();
    match &error {
        ReadError::Parked { key, first, .. } => {
            assert_eq!((key, *first), (&ParkedKey::from("a"), bad));
        }
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains("app.projection(\"notes\")"), "{error}");
    assert_eq!(read(&app, "a").await, "", "without a position it is answered as it stands");
    heal("bad-9");
    app.projection("notes").unwrap().retry_all().await.unwrap();
    assert_eq!(app.query(NotesAbout("a")).after(last).await.unwrap(), "bad-9");
}

#[tokio::test]
async fn what_is_parked_stays_parked_over_a_restart_and_for_a_second_process() {
    let store = MemoryStore::new();
    let first = start(store.clone()).await;
    note(&store, "s-1", "bad-10", &["a"]).await;
    seen(&first, note(&store, "s-1", "b1", &["b"]).await).await;
    first.shutdown().await;
    note(&store, "s-1", "a1", &["a"]).await;
    let second = start(store.clone()).await;
    let third = start(store.clone()).await;
    for app in [&second, &third] {
        seen(app, note(&store, "s-1", "b", &["b"]).await).await;
        assert_eq!(read(app, "a").await, "");
    }
    heal("bad-10");
    assert_eq!(third.projection("notes").unwrap().retry("a").await.unwrap().applied, 2);
    for round in 0..20 {
        let app = if round % 2 == 0 { &second } else { &third };
        let last = note(&store, "s-1", "a", &["a"]).await;
        app.query(NotesAbout("a")).after(last).await.unwrap();
    }
    assert_eq!(read(&second, "a").await, format!("bad-10 a1{}", " a".repeat(20)));
}

#[tokio::test]
async fn each_event_is_applied_once_and_in_order_however_often_the_process_dies() {
    const KEYS: [&str; 3] = ["a", "b", "c"];
    let store = MemoryStore::new();
    let mut expected = [const { Vec::new() }; 3];
    let mut broken = Vec::new();
    let mut last = Position::ZERO;
    for round in 0..40 {
        let app = start(store.clone()).await;
        for number in 0..5 {
            let key = (round * 7 + number * 3) % 3;
            let is_bad = (round + number) % 6 == 0;
            let text = format!("{}{round}-{number}", if is_bad { "bad-crash-" } else { "" });
            last = note(&store, "s-1", &text, &[KEYS[key]]).await;
            expected[key].push(text.clone());
            broken.extend(is_bad.then_some(text));
        }
        // The worker dies wherever it is by then.
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        if round % 3 == 0 {
            broken.drain(..broken.len() / 2).for_each(|text| heal(&text));
            app.projection("notes").unwrap().retry_all().await.unwrap();
        }
        drop(app);
    }
    broken.iter().for_each(|text| heal(text));
    let app = start(store).await;
    seen(&app, last).await;
    let projection = app.projection("notes").unwrap();
    assert!(projection.retry_all().await.unwrap().failures.is_empty());
    assert!(projection.parked().await.unwrap().is_empty());
    for (key, texts) in KEYS.into_iter().zip(expected) {
        assert_eq!(read(&app, key).await, texts.join(" "), "{key}");
    }
}

#[tokio::test]
async fn a_stopped_projection_says_so_at_once() {
    let store = MemoryStore::new();
    let app = start(store.clone()).await;
    app.shutdown().await;
    let last = note(&store, "s-1", "a1", &["a"]).await;
    let patience = Duration::from_secs(600);
    let error = app.query(NotesAbout("a")).after(last).within(patience).await.unwrap_err();
    assert!(matches!(error, ReadError::Stuck { cause: StuckCause::Stopped, .. }), "{error}");
}
