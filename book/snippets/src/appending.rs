//! Appending to a store, without the engine that usually does it.

use lucent_core::{
    CommandId, NewEvent, Position, StreamId, Tag, Version,
    store::{
        Append, AppendCondition, AppendError, Appended, EventQuery, EventStore, ExpectedVersion,
        StreamWrite,
    },
};

// ANCHOR: batch
/// Takes from one stream and gives to another: both, or neither.
pub async fn transfer(
    store: &dyn EventStore,
    (from, seen, taken): (StreamId, Version, NewEvent),
    (to, given): (StreamId, NewEvent),
) -> Result<Appended, AppendError> {
    let append = Append {
        writes: vec![
            StreamWrite {
                stream: from,
                expected: ExpectedVersion::Exact(seen),
                events: vec![taken],
            },
            StreamWrite {
                stream: to,
                expected: ExpectedVersion::StreamExists,
                events: vec![given],
            },
        ],
        ..Append::default()
    };
    store.append(append).await
}
// ANCHOR_END: batch

// ANCHOR: condition
/// Books a seat unless anything was booked for it after `seen`.
pub async fn book(
    store: &dyn EventStore,
    command: CommandId,
    (stream, booked): (StreamId, NewEvent),
    (seat, seen): (Tag, Position),
) -> Result<Appended, AppendError> {
    let append = Append {
        condition: Some(AppendCondition { query: EventQuery::tags([seat]), after: seen }),
        command: Some(command),
        ..Append::one(stream, ExpectedVersion::Any, vec![booked])
    };
    store.append(append).await
}
// ANCHOR_END: condition

// ANCHOR: outcome
/// What a caller can do about an append that did not happen.
pub fn advice(error: &AppendError) -> &'static str {
    match error {
        conflict if conflict.is_conflict() => "load again and decide again",
        AppendError::Store(error) if error.is_transient() => "send it again, unchanged",
        _ => "change what is sent, or call for help",
    }
}
// ANCHOR_END: outcome

#[cfg(test)]
mod tests {
    use lucent_core::store::{StoreError, VersionConflict};

    use super::*;

    #[test]
    fn conflicts_are_decided_again_and_a_busy_store_is_asked_again() {
        let stream = StreamId::new("account-1").unwrap();
        let conflict = VersionConflict::StreamMissing { stream };
        assert_eq!(advice(&conflict.into()), "load again and decide again");
        let reason = "a backup runs".to_owned();
        let busy = AppendError::from(StoreError::Busy { reason });
        assert_eq!(advice(&busy), "send it again, unchanged");
        let location = "bank.db".to_owned();
        let full = AppendError::from(StoreError::Full { location });
        assert_eq!(advice(&full), "change what is sent, or call for help");
    }
}
