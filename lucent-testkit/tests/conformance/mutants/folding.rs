//! Defects of folds.

use std::ops::ControlFlow;

use lucent_core::{
    MemoryStore, Payload, StreamEvent, StreamId, Version,
    store::{EventStore as _, StoreError, StreamFolder},
};

use crate::conformance::mutants::defects;

type Outcome = Result<Version, StoreError>;

defects! {
    FoldsTheVersionToo rejected by "folding::a_fold_starts_after_a_version" {
        async fn fold_stream(store: &MemoryStore, stream: &StreamId, after: Version, folder: StreamFolder) -> Outcome {
            store.fold_stream(stream, Version::new(after.get().saturating_sub(1)), folder).await
        }
    }
    FoldsOnWhenThereIsEnough rejected by "folding::a_fold_stops_when_it_has_enough" {
        async fn fold_stream(store: &MemoryStore, stream: &StreamId, after: Version, mut folder: StreamFolder) -> Outcome {
            let deaf: StreamFolder = Box::new(move |event| {
                let _ = folder(event);
                ControlFlow::Continue(())
            });
            store.fold_stream(stream, after, deaf).await
        }
    }
    FoldsOnePageOnly rejected by "folding::a_long_stream_folds_whole" {
        async fn fold_stream(store: &MemoryStore, stream: &StreamId, after: Version, mut folder: StreamFolder) -> Outcome {
            let mut left = 1_000;
            let short: StreamFolder = Box::new(move |event| {
                left -= 1;
                match left {
                    0 => ControlFlow::Break(()),
                    _ => folder(event),
                }
            });
            store.fold_stream(stream, after, short).await
        }
    }
    FoldsEveryPayloadAsJson rejected by "folding::a_fold_sees_what_reading_gives" {
        async fn fold_stream(store: &MemoryStore, stream: &StreamId, after: Version, mut folder: StreamFolder) -> Outcome {
            let changed: StreamFolder = Box::new(move |event| {
                let payload = Payload { data: event.payload.data.clone(), ..Payload::default() };
                folder(StreamEvent { payload: &payload, ..event })
            });
            store.fold_stream(stream, after, changed).await
        }
    }
    GivesTheVersionThatWasAskedFor rejected by "folding::a_missing_stream_folds_to_nothing" {
        async fn fold_stream(store: &MemoryStore, stream: &StreamId, after: Version, folder: StreamFolder) -> Outcome {
            Ok(store.fold_stream(stream, after, folder).await?.max(after))
        }
    }
}
