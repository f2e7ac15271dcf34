//! Defects of restarts and instances, and gaps that are none.

use std::cell::RefCell;

use lucent_core::{
    MemoryStore, Position,
    store::{
        Append, AppendError, Appended, EventFilter, EventStore as _, ExpectedVersion, LogRead,
        PageLimit,
    },
};
use lucent_testkit::conformance::Gap;

use crate::conformance::mutants::defects;

thread_local! {
    /// What was refused since the last restart; each behavior has one thread.
    static REFUSED: RefCell<Vec<Append>> = const { RefCell::new(Vec::new()) };
}

/// A store with the same events and nothing else.
async fn copy(store: &MemoryStore, leave_out: usize) -> MemoryStore {
    let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
    let read = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
    let mut events = store.read_log(read).await.expect("the log is readable").events;
    events.truncate(events.len().saturating_sub(leave_out));
    let copy = MemoryStore::new();
    for event in events {
        let stream = event.stream.clone();
        let event = lucent_core::NewEvent {
            id: event.id,
            event_type: event.event_type,
            schema_version: event.schema_version,
            payload: event.payload,
            tags: event.tags,
            metadata: event.metadata,
            recorded_at: event.recorded_at,
        };
        copy.append(Append::one(stream, ExpectedVersion::Any, vec![event]))
            .await
            .expect("copies are appended");
    }
    copy
}

defects! {
    ForgetsEverything rejected by "restart::events_survive" {
        async fn reopened(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    ForgetsTheLastEvent rejected by "restart::positions_and_versions_go_on", "restart::a_follower_goes_on_after_a_restart" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 1).await
        }
    }
    BringsBackWhatItRefused rejected by "restart::refused_appends_do_not_come_back" {
        async fn append(store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let outcome = store.append(append.clone()).await;
            if outcome.is_err() {
                REFUSED.with_borrow_mut(|refused| refused.push(append));
            }
            outcome
        }

        async fn reopened(store: &MemoryStore) -> MemoryStore {
            for mut append in REFUSED.take() {
                append.writes.iter_mut().for_each(|write| write.expected = ExpectedVersion::Any);
                store.append(append).await.expect("nothing is expected any more");
            }
            store.clone()
        }
    }
    RestoresCommandsNot rejected by "restart::command_outcomes_survive" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 0).await
        }
    }
    RestoresReadModelsNot rejected by "restart::read_models_survive" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 0).await
        }
    }
    RestoresParkedEventsNot rejected by "restart::parked_events_survive" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 0).await
        }
    }
    RestoresLeasesNot rejected by "restart::leases_survive" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 0).await
        }
    }
    HasLeasesOfItsOwn rejected by "second_instance::leases_hold_across_instances" {
        fn second(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    RestoresInlineProjectionsNot rejected by "restart::inline_projections_go_on" {
        async fn reopened(store: &MemoryStore) -> MemoryStore {
            copy(store, 0).await
        }
    }
    ChecksNothingAfterARestart rejected by "restart::expectations_are_checked_across_a_restart" {
        async fn reopened(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    HasInstancesOfItsOwn rejected by
        "second_instance::each_sees_the_others_events",
        "second_instance::versions_are_checked_across_instances",
        "second_instance::commands_are_known_across_instances",
        "second_instance::checkpoints_are_checked_across_instances",
        "second_instance::racing_instances_lose_nothing"
    {
        fn second(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    ParksForItselfOnly rejected by "second_instance::parked_events_are_shared_by_instances" {
        fn second(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    WaitsForItselfOnly rejected by "second_instance::a_wait_ends_across_instances" {
        fn second(_: &MemoryStore) -> MemoryStore {
            MemoryStore::new()
        }
    }
    SaysThatItIsVolatile rejected by "restart::events_survive" {
        fn gaps() -> &'static [Gap] {
            &[Gap::Volatile]
        }
    }
    SaysThatItIsAlone rejected by "second_instance::each_sees_the_others_events" {
        fn gaps() -> &'static [Gap] {
            &[Gap::SingleInstance]
        }
    }
    SaysThatItHasNoConditions rejected by "conditions::a_matching_tag_fails_it" {
        fn gaps() -> &'static [Gap] {
            &[Gap::NoConditions]
        }
    }
    SaysThatItHasNoInlineProjections rejected by "inline::an_error_refuses_the_append" {
        fn gaps() -> &'static [Gap] {
            &[Gap::NoInlineProjections]
        }
    }
    SaysThatItWritesOneStreamAtATime rejected by "multi_stream::a_hundred_streams_in_one_batch" {
        fn gaps() -> &'static [Gap] {
            &[Gap::SingleStreamAppends]
        }
    }
}
