//! Executing commands.

use lucent_core::{
    prelude::*,
    store::{
        Append, EventStore as _, ExpectedVersion, SnapshotKey, SnapshotStore as _, VersionConflict,
    },
};

use super::{
    domain::{
        CURSED, Refusal, Till, TillEvent, add, app, append_elsewhere, commands_only, open, take,
        till,
    },
    store_with_faults::{Fault, StoreWithFaults},
};

#[tokio::test]
async fn a_command_appends_several_events_or_none_and_replies() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let done = app.execute(add("a", &[1, 2, 3])).await.unwrap();
    assert_eq!((done.reply, done.events, done.version), (6, 3, Version::new(4)));
    let nothing = app.execute(take("a", 0)).await.unwrap();
    assert_eq!(
        (nothing.events, nothing.version, nothing.position),
        (0, done.version, done.position)
    );
    let loaded = app.load::<Till>(&till("a")).await.unwrap();
    assert_eq!(loaded.state, Till { limit: 1_000, sum: 6 });
}

#[tokio::test]
async fn a_refusal_is_typed_and_writes_nothing() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let head = app.store().head().await.unwrap();
    let error = app.execute(take("a", 1)).await.unwrap_err();
    assert!(matches!(error, CommandError::Refused(Refusal::TooLittle { sum: 0 })), "{error}");
    assert_eq!(app.store().head().await.unwrap(), head);
}

#[tokio::test]
async fn creating_what_exists_is_a_conflict_that_names_the_stream() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let error = app.execute(open("a")).await.unwrap_err();
    assert!(
        matches!(&error, CommandError::Conflict(VersionConflict::StreamExists { stream, .. }) if stream.as_str() == "till-a"),
        "{error}"
    );
}

#[tokio::test]
async fn a_command_id_that_is_used_twice_has_one_effect_and_one_reply() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let id = CommandId::new();
    let first = app.execute(add("a", &[5])).id(id).await.unwrap();
    let second = app.execute(add("a", &[5])).id(id).await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!((second.reply, second.position, second.version), (5, first.position, first.version));
    assert_eq!(app.load::<Till>(&till("a")).await.unwrap().state.sum, 5);
    let opened = CommandId::new();
    app.execute(open("b")).id(opened).await.unwrap();
    assert!(app.execute(open("b")).id(opened).await.unwrap().repeated, "creation repeats as well");
}

#[tokio::test]
async fn a_decision_on_a_state_that_is_out_of_date_is_made_again() {
    let store = MemoryStore::new();
    let app = app(store.clone()).await;
    app.execute(open("a")).await.unwrap();
    append_elsewhere(&store, "a", &[TillEvent::CoinAdded { value: 7 }]).await;
    // The cached state would refuse this.
    assert_eq!(app.execute(take("a", 7)).await.unwrap().version, Version::new(3));
    append_elsewhere(&store, "a", &[TillEvent::CoinAdded { value: 2 }]).await;
    // The cached state would accept this at another version.
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 3);
}

#[tokio::test]
async fn a_conflict_without_end_is_reported_after_the_declared_retries() {
    let (store, faults) = StoreWithFaults::new();
    let app = App::new(commands_only::registry())
        .store(store)
        .retry(RetryPolicy { retries: 3, pause: std::time::Duration::ZERO })
        .start()
        .await
        .unwrap();
    app.execute(open("a")).await.unwrap();
    let before = faults.appends();
    faults.set(Fault::Conflict);
    let error = app.execute(add("a", &[1])).await.unwrap_err();
    assert!(matches!(error, CommandError::Conflict(_)) && error.is_transient(), "{error}");
    assert_eq!(faults.appends() - before, 4);
    faults.set(Fault::None);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 1);
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_aggregate_usable() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(open("a")).await.unwrap();
    faults.set(Fault::Busy);
    assert!(matches!(app.execute(add("a", &[1])).await, Err(CommandError::Busy(_))));
    faults.set(Fault::None);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 1);
}

#[tokio::test]
async fn an_unknown_outcome_is_reported_as_such_and_an_id_makes_it_safe_to_try_again() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(open("a")).await.unwrap();
    faults.set(Fault::Unknown);
    let id = CommandId::derived("uncertain");
    let error = app.execute(add("a", &[1])).id(id).await.unwrap_err();
    assert!(matches!(error, CommandError::Store(_)), "{error}");
    assert!(error.is_outcome_unknown() && !error.is_transient(), "{error}");
    assert!(error.to_string().contains("with a command id it may be sent again"), "{error}");
    faults.set(Fault::None);
    let again = app.execute(add("a", &[1])).id(id).await.unwrap();
    assert!(again.repeated);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 2);
}

#[tokio::test]
async fn a_command_that_is_dropped_halfway_leaves_all_or_nothing() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(open("a")).await.unwrap();
    // The append happens, and the caller is gone before it hears of it.
    faults.set(Fault::Hang);
    let hung = app.execute(add("a", &[1])).into_future();
    assert!(futures::FutureExt::now_or_never(hung).is_none());
    faults.set(Fault::None);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 2);
}

#[tokio::test]
async fn a_panic_in_user_code_leaves_the_other_aggregates_and_this_one_usable() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let panicking = tokio::spawn(app.execute(add("a", &[CURSED])).into_future());
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(app.execute(open("b")).await.unwrap().events, 1);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 1, "nothing was written");
}

#[tokio::test]
async fn a_panic_while_a_state_is_loaded_reaches_the_caller_and_spares_the_store() {
    let store = MemoryStore::new();
    let app = app(store.clone()).await;
    append_elsewhere(&store, "a", &[TillEvent::CoinAdded { value: CURSED }]).await;
    let panicking = tokio::spawn(app.execute(add("a", &[1])).into_future());
    let panic = panicking.await.unwrap_err().into_panic();
    assert!(panic.downcast_ref::<String>().is_some_and(|text| text.contains("a cursed coin")));
    assert_eq!(app.execute(open("b")).await.unwrap().events, 1);
}

#[tokio::test]
async fn context_and_causation_travel_with_the_events() {
    let app = app(MemoryStore::new()).await;
    let context = BusinessContext::default().with("user", "ada");
    app.execute(open("a")).context(context).await.unwrap();
    let mut log = app.subscribe(lucent_core::store::EventFilter::all(), Position::ZERO);
    let opened = log.next().await.unwrap();
    app.execute(add("a", &[1])).caused_by(&opened).await.unwrap();
    let added = log.next().await.unwrap();
    assert_eq!(added.metadata.context().field("user"), Some("ada"));
    assert_eq!(added.metadata.correlation(), opened.metadata.correlation());
    assert_ne!(added.metadata.causation(), opened.metadata.causation());
}

#[tokio::test]
async fn a_snapshot_equals_the_replay_at_every_version() {
    let store = MemoryStore::new();
    let app = app(store.clone()).await;
    app.execute(open("a")).await.unwrap();
    let key = SnapshotKey { stream: till("a").stream_id().unwrap(), aggregate: "Till" };
    for count in 1..=20_u64 {
        app.execute(add("a", &[count])).await.unwrap();
        let loaded = app.load::<Till>(&till("a")).await.unwrap();
        assert_eq!(loaded.state.sum, (1..=count).sum::<u64>(), "after {count} coins");
        if let Some(snapshot) = store.load_snapshot(&key).await.unwrap() {
            let state: Till = snapshot.payload.to_json().unwrap();
            let coins = snapshot.version.get() - 1;
            assert_eq!(state.sum, (1..=coins).sum::<u64>(), "the snapshot at {}", snapshot.version);
        }
    }
    assert!(store.load_snapshot(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_snapshot_that_does_not_decode_leads_to_a_full_replay() {
    let store = MemoryStore::new();
    let writer = app(store.clone()).await;
    writer.execute(open("a")).await.unwrap();
    writer.execute(add("a", &[1, 2, 3, 4])).await.unwrap();
    let key = SnapshotKey { stream: till("a").stream_id().unwrap(), aggregate: "Till" };
    let good = store.load_snapshot(&key).await.unwrap().unwrap();
    for (version, json) in
        [(good.version, r#"{"other":1}"#), (Version::new(99), r#"{"limit":1,"sum":1}"#)]
    {
        let mut bad = good.clone();
        bad.version = version;
        bad.payload.data = json.as_bytes().into();
        let fresh = MemoryStore::new();
        copy(&store, &fresh).await;
        fresh.save_snapshot(&key, bad).await.unwrap();
        let state = app(fresh).await.load::<Till>(&till("a")).await.unwrap().state;
        assert_eq!(state, Till { limit: 1_000, sum: 10 });
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_saved_does_not_fail_the_command() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    app.execute(open("a")).await.unwrap();
    faults.set(Fault::NoSnapshots);
    assert_eq!(app.execute(add("a", &[1, 2, 3])).await.unwrap().reply, 6);
}

#[tokio::test]
async fn an_id_that_cannot_name_a_stream_is_refused_before_anything_is_read() {
    let app = app(MemoryStore::new()).await;
    for name in ["\n".to_owned(), "x".repeat(600)] {
        let error = app.execute(open(&name)).await.unwrap_err();
        assert!(matches!(error, CommandError::Invalid { .. }), "{error}");
    }
    app.execute(open("ünïcode / 'quotes' % 🦀")).await.unwrap();
}

async fn copy(from: &MemoryStore, to: &MemoryStore) {
    let app = app(from.clone()).await;
    let mut log = app.subscribe(lucent_core::store::EventFilter::all(), Position::ZERO);
    while let Some(event) = log.try_next().await.unwrap() {
        let new = NewEvent {
            id: event.id,
            event_type: event.event_type,
            schema_version: event.schema_version,
            payload: event.payload,
            tags: event.tags,
            metadata: event.metadata,
            recorded_at: event.recorded_at,
        };
        to.append(Append::one(event.stream, ExpectedVersion::Any, vec![new])).await.unwrap();
    }
}
