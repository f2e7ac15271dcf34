//! Functions that follow the log.

use std::sync::Arc;

use lucent_core::{
    CommandId, Metadata, NewEvent, Subscription,
    function::{FunctionRan, Scope},
    prelude::*,
    store::{Append, EventQuery, EventStore as _, ExpectedVersion},
};

use super::domain::{on_events::*, *};

async fn following(store: &MemoryStore) -> Functions {
    FunctionManager::new(registry()).store(store.clone()).follow_log().start().await.unwrap()
}

/// Appends a trade, in the context of a user.
async fn append(store: &MemoryStore, price: u64, context: BusinessContext) -> NewEvent {
    let metadata = Arc::new(Metadata::of_command(CommandId::new(), context));
    let event = TradeEvent::Executed(trade("BTC-EUR", price));
    let event = NewEvent::encode(&event, &metadata, Timestamp::now()).unwrap();
    let stream = StreamId::new("trades").unwrap();
    let append = Append::one(stream, ExpectedVersion::Any, vec![event.clone()]);
    store.append(append).await.unwrap();
    event
}

fn log(store: &MemoryStore, types: &[&'static str]) -> Subscription {
    let filter = EventQuery::types(types.iter().copied());
    Subscription::new(Arc::new(store.clone()), filter.into(), Position::ZERO)
}

/// The next output of a function.
async fn output_of(log: &mut Subscription, function: &str) -> (FunctionRan, RecordedEvent) {
    loop {
        let event = log.next().await.unwrap();
        let ran = FunctionRan::decode(&event).unwrap().unwrap();
        if ran.function == function {
            return (ran, event);
        }
    }
}

#[tokio::test]
async fn what_a_function_finds_is_recorded_with_its_cause_and_its_edition() {
    let store = MemoryStore::new();
    let _functions = following(&store).await;
    append(&store, 5, user("u")).await;
    let cause = append(&store, 2_000, user("u")).await;
    // The first trade is not big: `None` is not recorded.
    let (ran, recorded) = output_of(&mut log(&store, &["lucent.FunctionRan"]), "big").await;
    assert_eq!((ran.output, ran.key.as_deref()), (2_000.into(), Some("BTC-EUR")));
    assert_eq!((ran.edition, ran.reason.as_str()), (V1, "current"));
    assert_eq!(recorded.metadata.causation(), cause.id.uuid());
    assert_eq!(recorded.metadata.correlation(), cause.metadata.correlation());
    let context = recorded.metadata.context();
    assert_eq!(context.field("user"), Some("u"));
    assert!(context.field("function:big").unwrap().starts_with("v1 reason=current"));
    assert_eq!(recorded.stream.as_str(), "function_ran-big");
}

#[tokio::test]
async fn a_function_goes_on_after_a_restart_and_records_each_event_once() {
    let store = MemoryStore::new();
    let functions = following(&store).await;
    append(&store, 2_001, user("u")).await;
    let mut log = log(&store, &["lucent.FunctionRan"]);
    assert_eq!(output_of(&mut log, "big").await.0.output, 2_001);
    functions.shutdown().await;
    append(&store, 2_002, user("u")).await;
    let _functions = following(&store).await;
    assert_eq!(output_of(&mut log, "big").await.0.output, 2_002);
    append(&store, 2_003, user("u")).await;
    assert_eq!(output_of(&mut log, "big").await.0.output, 2_003);
}

#[tokio::test(start_paused = true)]
async fn an_edition_that_fails_on_an_event_is_quarantined_and_its_fallback_goes_on() {
    let store = MemoryStore::new();
    let _functions = following(&store).await;
    append(&store, 0, user("u")).await;
    append(&store, 7, user("u")).await;
    let mut control = log(&store, &["lucent.EditionQuarantined"]);
    let quarantined = control.next().await.unwrap();
    assert_eq!(quarantined.stream.as_str(), "function-picky");
    let payload = String::from_utf8_lossy(&quarantined.payload.data).into_owned();
    assert!(payload.contains("a price of 0 is no price"), "{payload}");
    let mut log = log(&store, &["lucent.FunctionRan"]);
    let (first, second) =
        (output_of(&mut log, "picky").await.0, output_of(&mut log, "picky").await.0);
    assert_eq!((first.edition, first.reason.as_str()), (V2, "fallback-from-v3"));
    assert_eq!((second.edition, second.output), (V2, 2.into()));
}

#[tokio::test(start_paused = true)]
async fn a_function_without_another_edition_waits_for_its_release_while_others_go_on() {
    let store = MemoryStore::new();
    let functions = following(&store).await;
    append(&store, 13, user("u")).await;
    append(&store, 2_000, user("u")).await;
    let mut quarantines = log(&store, &["lucent.EditionQuarantined"]);
    assert_eq!(quarantines.next().await.unwrap().stream.as_str(), "function-nervous");
    let mut outputs = log(&store, &["lucent.FunctionRan"]);
    assert_eq!(output_of(&mut outputs, "big").await.0.output, 2_000);
    // Released, it fails on the same event again: nothing was skipped.
    functions.control::<nervous>("ann").release(V1, "try it").await.unwrap();
    assert_eq!(quarantines.next().await.unwrap().stream.as_str(), "function-nervous");
}

#[tokio::test]
async fn events_pass_a_function_by_for_which_it_is_disabled() {
    let store = MemoryStore::new();
    let functions = following(&store).await;
    let control = functions.control::<big>("ann");
    control.disable(Scope::tenant("acme"), "unpaid").await.unwrap();
    append(&store, 2_001, user("u").with("tenant", "acme")).await;
    append(&store, 2_002, user("u").with("tenant", "other")).await;
    let mut log = log(&store, &["lucent.FunctionRan"]);
    assert_eq!(output_of(&mut log, "big").await.0.output, 2_002);
}
