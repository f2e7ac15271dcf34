//! Following the log: catch up, then live, without a seam.

use futures::FutureExt as _;

use crate::conformance::vocabulary::*;

/// Reads pages and waits for more until it has seen so many events.
async fn follow(
    store: &Handle,
    filter: EventFilter,
    mut after: Position,
    count: usize,
) -> Vec<RecordedEvent> {
    let mut seen = Vec::new();
    let limit = PageLimit::events(7);
    while seen.len() < count {
        let page = store.log_page(LogRead::after(filter.clone(), after).limit(limit)).await;
        assert!(page.through >= after, "the reader was sent back");
        after = page.through;
        seen.extend(page.events);
        if page.end && seen.len() < count {
            let head = patiently("waiting for an event", store.wait_past(after)).await;
            let head = head.expect("waiting succeeds");
            assert!(head > after, "woken at {head} while waiting past {after}");
        }
    }
    seen
}

/// Lets writers and followers work at the same time, and gives what the followers saw.
async fn followed(
    subject: &Subject,
    filter: &EventFilter,
    wanted: usize,
) -> Vec<Vec<RecordedEvent>> {
    const WRITERS: usize = 4;
    let writing = (0..WRITERS).map(|writer| {
        let store = subject.store();
        async move {
            for round in 0..40 {
                store.write(&format!("own-{writer}"), counted(1 + round % 3)).await;
                store
                    .write(
                        "rare-1",
                        vec![tagged("Rare", &["rare:1"]); usize::from(round % 10 == 0)],
                    )
                    .await;
            }
            None
        }
        .boxed()
    });
    let following = (0..2).map(|_| {
        let (store, filter) = (subject.store(), filter.clone());
        async move { Some(follow(&store, filter, Position::ZERO, wanted).await) }.boxed()
    });
    race(writing.chain(following)).await.into_iter().flatten().collect()
}

/// A follower sees every event once and in order while others write.
pub async fn nothing_is_skipped_or_doubled(subject: Subject) {
    let total = 4 * ((0..40).map(|round| 1 + round % 3).sum::<usize>() + 4);
    let seen = followed(&subject, &EventFilter::all(), total).await;
    let expected = ids(&subject.store().log().await);
    assert_eq!(expected.len(), total);
    for seen in seen {
        assert_eq!(ids(&seen), expected);
    }
}

/// A follower of a few events sees each of them once while others write.
pub async fn a_filtered_follower_skips_nothing(subject: Subject) {
    for query in [EventQuery::types(["Rare"]), EventQuery::tags(tags(&["rare:1"]))] {
        let before = subject.store().find(query.clone()).await.len();
        let seen = followed(&subject, &query.clone().into(), before + 16).await;
        let expected = ids(&subject.store().find(query).await);
        for seen in seen {
            assert_eq!(ids(&seen), expected);
        }
    }
}

/// A follower that goes on from where it stopped misses nothing and sees nothing twice.
pub async fn a_follower_goes_on_from_its_position(subject: Subject) {
    let store = subject.store();
    let mut seen = Vec::new();
    let mut position = Position::ZERO;
    for round in 1..=10 {
        store.write(&format!("a-{}", round % 3), counted(round)).await;
        let new = follow(&store, EventFilter::all(), position, round).await;
        position = new.last().map_or(position, |event| event.position);
        seen.extend(new);
    }
    assert_eq!(ids(&seen), ids(&store.log().await));
}

/// Waiting is over at once if the log is longer already.
pub async fn waiting_for_the_past_is_over_at_once(subject: Subject) {
    let store = subject.store();
    let first = store.write("a-1", counted(1)).await.position;
    let last = store.write("a-1", counted(2)).await.position;
    for past in [Position::ZERO, first] {
        let head = patiently("waiting for the past", store.wait_past(past)).await;
        assert_eq!(head.expect("waiting succeeds"), last);
    }
}

/// Waiting past the head is not over before something is appended.
pub async fn waiting_for_the_future_waits(subject: Subject) {
    let store = subject.store();
    let head = store.write("a-1", counted(1)).await.position;
    let mut waiting = Box::pin(store.wait_past(head));
    for _ in 0..100 {
        assert!((&mut waiting).now_or_never().is_none(), "nothing is past the head");
        tokio::task::yield_now().await;
    }
    refused(store.try_write("a-1", exact(9), counted(1)).await);
    for _ in 0..100 {
        assert!((&mut waiting).now_or_never().is_none(), "a refused append woke a waiter");
        tokio::task::yield_now().await;
    }
    let appended = store.write("a-1", counted(3)).await;
    let woken = patiently("waiting for an append", waiting).await.expect("waiting succeeds");
    assert_eq!(woken, appended.position);
}

/// What is appended between reading the end and waiting ends the wait.
pub async fn an_append_before_the_wait_counts(subject: Subject) {
    let store = subject.store();
    for _ in 0..50 {
        let page = store.log_page(LogRead::after(EventFilter::all(), Position::ZERO)).await;
        let appended = store.write("a-1", counted(1)).await;
        let woken = patiently("waiting", store.wait_past(page.through)).await;
        assert_eq!(woken.expect("waiting succeeds"), appended.position);
    }
}

/// One append wakes everybody who waits, and what woke them is readable.
pub async fn every_waiter_is_woken(subject: Subject) {
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = subject.store();
        waiting.spawn(async move {
            let head = store.wait_past(Position::ZERO).await.expect("waiting succeeds");
            assert!(!store.log().await.is_empty(), "woken at {head}, and nothing is there");
        });
    }
    tokio::task::yield_now().await;
    subject.store().write("a-1", counted(1)).await;
    let woken = patiently("waking 16 waiters", waiting.join_all()).await;
    assert_eq!(woken.len(), 16);
}

/// A wait that was given up does not disturb later ones.
pub async fn a_wait_can_be_given_up(subject: Subject) {
    let store = subject.store();
    for round in 0..20 {
        let head = store.head_position().await;
        assert!(store.wait_past(head).now_or_never().is_none());
        let appended = store.write("a-1", counted(1 + round % 2)).await;
        let woken = patiently("waiting", store.wait_past(head)).await;
        assert_eq!(woken.expect("waiting succeeds"), appended.position);
    }
}
