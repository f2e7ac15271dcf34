//! Folding a stream where the store reads it.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use crate::conformance::vocabulary::*;

/// What a fold sees of an event.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    position: Position,
    version: Version,
    event_type: String,
    schema_version: u32,
    payload: Payload,
}

impl From<StreamEvent<'_>> for Seen {
    fn from(event: StreamEvent<'_>) -> Self {
        Self {
            position: event.position,
            version: event.version,
            event_type: event.event_type.to_owned(),
            schema_version: event.schema_version,
            payload: event.payload.clone(),
        }
    }
}

/// Folds a stream until this many events were seen; what was seen, and the version that the store
/// gave.
async fn fold(store: &Handle, name: &str, after: u64, most: usize) -> (Vec<Seen>, Version) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let folder: StreamFolder = {
        let seen = Arc::clone(&seen);
        Box::new(move |event| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(seen.len() < most, "a folder that has enough is called again");
            seen.push(Seen::from(event));
            match seen.len() == most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })
    };
    let version = store.fold_stream(&stream(name), Version::new(after), folder).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    (seen, version.expect("a stream can be folded"))
}

fn folded(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|seen| seen.version.get()).collect()
}

/// A fold sees what reading gives, field by field, however the events differ.
pub async fn a_fold_sees_what_reading_gives(subject: Subject) {
    let store = subject.store();
    let mut binary = event("Scanned");
    binary.payload = Payload::binary(vec![0, 159, 146, 150]);
    binary.schema_version = 7;
    let mut large = event("Imported");
    large.payload = Payload::json(&"x".repeat(100_000)).expect("a text is JSON");
    store.write("account-1", counted(3)).await;
    store.write("account-2", counted(1)).await;
    store.write("account-1", vec![binary, large, tagged("Marked", &["a:1"])]).await;
    let read = store.stream("account-1").await;
    let read: Vec<_> = read.iter().map(|event| Seen::from(StreamEvent::from(event))).collect();
    let (seen, version) = fold(&store, "account-1", 0, usize::MAX).await;
    assert_eq!(seen, read);
    assert_eq!(version, Version::new(6));
}

/// The version to fold after is left out.
pub async fn a_fold_starts_after_a_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    let (seen, version) = fold(&store, "account-1", 2, usize::MAX).await;
    assert_eq!((folded(&seen), version), (vec![3, 4, 5], Version::new(5)));
    for after in [5, 6, u64::MAX] {
        let (seen, version) = fold(&store, "account-1", after, usize::MAX).await;
        assert_eq!((folded(&seen), version), (vec![], Version::new(5)), "after {after}");
    }
}

/// A stream that does not exist folds like an empty one.
pub async fn a_missing_stream_folds_to_nothing(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(2)).await;
    for after in [0, 3] {
        let (seen, version) = fold(&store, "account-2", after, usize::MAX).await;
        assert_eq!((seen, version), (vec![], Version::ZERO));
    }
}

/// A folder that has enough is not called again.
pub async fn a_fold_stops_when_it_has_enough(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(600)).await;
    for most in [1, 255, 256, 257, 600] {
        let (seen, _) = fold(&store, "account-1", 0, most).await;
        assert_eq!(folded(&seen), (1..=most as u64).collect::<Vec<_>>());
    }
}

/// A stream of any length folds without a gap or a repetition.
pub async fn a_long_stream_folds_whole(subject: Subject) {
    let store = subject.store();
    for _ in 0..5 {
        store.write("account-1", counted(2_000)).await;
        store.write("account-2", counted(1)).await;
    }
    let (seen, version) = fold(&store, "account-1", 0, usize::MAX).await;
    assert!(folded(&seen).into_iter().eq(1..=10_000), "{} were folded", seen.len());
    assert_eq!(version, Version::new(10_000));
    assert!(seen.is_sorted_by(|before, after| before.position < after.position));
}
