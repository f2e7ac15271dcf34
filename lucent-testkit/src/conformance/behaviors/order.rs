//! The order of the log, also under writers that write at the same time.

use std::collections::HashMap;

use crate::conformance::vocabulary::*;

/// Eight writers append to streams of their own and to one that they share.
async fn mixed_writers(subject: &Subject) {
    race((0..8).map(|writer| {
        let store = subject.store();
        async move {
            for round in 0..25 {
                store.write(&format!("own-{writer}"), counted(1 + round % 3)).await;
                store.write("shared-1", counted(2)).await;
            }
        }
    }))
    .await;
}

/// Positions are unique and the log is in their order.
pub async fn positions_are_unique(subject: Subject) {
    mixed_writers(&subject).await;
    let log = subject.store().log().await;
    assert!(log.is_sorted_by(|one, next| one.position < next.position));
    let expected = 8 * (25 * 2 + (0..25).map(|round| 1 + round % 3).sum::<usize>());
    assert_eq!(log.len(), expected);
}

/// In the log, the events of each stream are in the order of their versions, without a gap.
pub async fn each_stream_keeps_its_order_in_the_log(subject: Subject) {
    mixed_writers(&subject).await;
    let mut last = HashMap::new();
    for event in subject.store().log().await {
        let version = last.entry(event.stream.clone()).or_insert(0);
        *version += 1;
        assert_eq!(event.version.get(), *version, "stream `{}`", event.stream);
    }
    assert_eq!(last[&stream("shared-1")], 8 * 25 * 2);
}

/// A stream and the log agree on each event.
pub async fn streams_and_log_agree(subject: Subject) {
    mixed_writers(&subject).await;
    let store = subject.store();
    let log = store.log().await;
    for name in ["shared-1", "own-0", "own-7"] {
        let expected: Vec<_> =
            log.iter().filter(|event| event.stream.as_str() == name).cloned().collect();
        assert_eq!(store.stream(name).await, expected);
        assert_eq!(store.version_of(name).await, expected.len() as u64);
    }
}

/// The events of one append stand together, also under other writers.
pub async fn batches_are_not_interleaved(subject: Subject) {
    race((0..8).map(|writer| {
        let store = subject.store();
        async move {
            for _ in 0..20 {
                store.write(&format!("own-{writer}"), counted(5)).await;
            }
        }
    }))
    .await;
    for batch in subject.store().log().await.chunks(5) {
        assert!(batch.iter().all(|event| event.stream == batch[0].stream));
        assert_eq!(batch[4].version.get() % 5, 0);
    }
}

/// The head never goes back, and is never behind what was acknowledged.
pub async fn the_head_never_goes_back(subject: Subject) {
    let writers = (0..4).map(|writer| {
        let store = subject.store();
        async move {
            let mut last = Position::ZERO;
            for _ in 0..50 {
                let appended = store.write(&format!("own-{writer}"), counted(1)).await;
                let head = store.head_position().await;
                assert!(head >= appended.position, "the head {head} is behind an append");
                assert!(head >= last, "the head went back from {last} to {head}");
                last = head;
            }
        }
    });
    race(writers).await;
}
