//! Defects that applications on one store run into.

use std::time::Duration;

use lucent_core::{
    CommandId, MemoryStore, Position,
    store::{
        Append, AppendError, Appended, CommitError, EventStore as _, ExpectedVersion, Fence,
        LeaseOutcome, LeaseStore as _, ProjectionId, ReadModelStore as _, Replacement, StoreError,
    },
};

use crate::conformance::mutants::defects;

type Outcome = Result<Appended, AppendError>;
type Asked = Result<LeaseOutcome, StoreError>;
type Renewed = Result<Vec<Fence>, StoreError>;

defects! {
    ForgetsConditions rejected by "decision_models::of_many_who_want_a_name_exactly_one_gets_it" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.condition = None;
            tokio::task::yield_now().await;
            store.append(append).await
        }
    }
    ForgetsWhoAsked rejected by "decision_models::a_command_id_has_one_effect" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.command = None;
            append.condition = None;
            store.append(append).await
        }

        async fn command_outcome(_: &MemoryStore, _: CommandId) -> Result<Option<Appended>, StoreError> {
            Ok(None)
        }
    }
    ForgetsVersions rejected by "applications::callers_on_one_aggregate_lose_and_double_nothing" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                write.expected = ExpectedVersion::Any;
            }
            store.append(append).await
        }
    }
    HonorsTheDead rejected by "applications::every_event_counts_once_while_nodes_are_killed" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            store.acquire_lease(name, holder, duration * 3_600).await
        }

        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            store.renew_leases(fences, duration * 3_600).await
        }
    }
    ReplacesTheWholeAlone rejected by "applications::partitions_are_rebuilt_while_the_node_that_builds_is_killed" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Result<(), CommitError> {
            store.replace_projections(&all[all.len() - 1..], fence).await
        }
    }
    GoesOnAtTheHead rejected by "applications::events_of_a_killed_node_are_handled_by_others" {
        async fn checkpoint(store: &MemoryStore, _: &ProjectionId) -> Result<Position, StoreError> {
            store.head().await
        }
    }
    LetsEverybodyHandle rejected by "applications::nodes_that_share_a_handler_handle_each_event_once" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            let own = format!("{name} of {holder}");
            store.acquire_lease(&own, holder, duration).await
        }
    }
}
