//! Appending: all or nothing, and what the outcome says.

use futures::FutureExt as _;

use crate::conformance::vocabulary::*;

/// A new store holds no event and no checkpoint.
pub async fn a_new_store_is_empty(subject: Subject) {
    let store = subject.store();
    assert_eq!(store.head_position().await, Position::ZERO);
    assert!(store.log().await.is_empty());
    assert_eq!(store.version_of("account-1").await, 0);
    assert!(store.stream("account-1").await.is_empty());
}

/// An event comes back with every field that it was given, from its stream and from the log.
pub async fn events_come_back_with_every_field(subject: Subject) {
    let store = subject.store();
    let context = BusinessContext::default().with("user", "ada").with("pair", "BTC/EUR");
    let metadata = Metadata::from_parts(Uuid::from_u128(7), Uuid::from_u128(8), context);
    let new = NewEvent {
        id: EventId::from_uuid(Uuid::from_u128(9)),
        event_type: "MoneyDeposited".into(),
        schema_version: 3,
        payload: json(r#"{"amount":"12.50"}"#),
        tags: tags(&["account:1", "branch:north"]),
        metadata: metadata.into(),
        recorded_at: Timestamp::from_micros(MOMENT),
    };
    let appended = store.write("account-1", vec![new.clone()]).await;
    let expected = new.into_recorded(stream("account-1"), Version::new(1), appended.position);
    let expected = [expected];
    assert_eq!(store.stream("account-1").await, expected);
    assert_eq!(store.log().await, expected);
}

/// The events of a batch stand in the log in the order in which they were given.
pub async fn one_batch_keeps_its_order(subject: Subject) {
    let store = subject.store();
    let events = counted(50);
    let expected = new_ids(&events);
    store.write("account-1", events).await;
    assert_eq!(ids(&store.log().await), expected);
    assert_eq!(ids(&store.stream("account-1").await), expected);
}

/// The outcome names the position of the last event and the stream's new version.
pub async fn the_outcome_names_position_and_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(2)).await;
    let appended = store.write("account-1", counted(3)).await;
    assert_eq!(appended.versions, [Version::new(5)]);
    assert!(!appended.repeated);
    assert_eq!(appended.reply, None);
    let log = store.log().await;
    assert_eq!(appended.position, log[4].position);
}

/// What was acknowledged is visible to every kind of read at once.
pub async fn an_acknowledged_append_is_visible_at_once(subject: Subject) {
    let store = subject.store();
    for number in 1..=20 {
        let appended = store.write("account-1", counted(1)).await;
        assert_eq!(store.head_position().await, appended.position);
        assert_eq!(store.version_of("account-1").await, number);
        let last = store.log_page(LogRead::backward(EventFilter::all())).await;
        assert_eq!(last.events[0].position, appended.position);
        let last = store.stream_page(StreamRead::backward(stream("account-1"))).await;
        assert_eq!(last.events[0].position, appended.position);
    }
}

/// Each stream counts its versions from 1, whatever happens in others.
pub async fn versions_count_from_one_in_each_stream(subject: Subject) {
    let store = subject.store();
    for _ in 0..3 {
        store.write("account-1", counted(1)).await;
        store.write("account-2", counted(2)).await;
    }
    assert_eq!(versions(&store.stream("account-1").await), [1, 2, 3]);
    assert_eq!(versions(&store.stream("account-2").await), [1, 2, 3, 4, 5, 6]);
}

/// Positions are greater than zero and grow from append to append, across streams.
pub async fn positions_grow_across_streams(subject: Subject) {
    let store = subject.store();
    let mut last = Position::ZERO;
    for name in ["account-1", "account-2", "order-1", "account-1"] {
        let appended = store.write(name, counted(2)).await;
        assert!(appended.position > last, "{} follows {last}", appended.position);
        last = appended.position;
    }
    let positions: Vec<_> = store.log().await.iter().map(|event| event.position).collect();
    assert!(positions[0] > Position::ZERO);
    assert!(positions.is_sorted_by(|one, next| one < next));
    assert_eq!(positions.last(), Some(&last));
}

/// Zero events are a normal outcome: nothing is written, and the position is the head.
pub async fn an_empty_batch_writes_nothing(subject: Subject) {
    let store = subject.store();
    let before = store.write("account-1", counted(2)).await;
    let appended = store.append(Append::default()).await.expect("an empty append succeeds");
    assert_eq!(appended.position, before.position);
    assert!(appended.versions.is_empty());
    let appended = store.write("account-1", Vec::new()).await;
    assert_eq!(appended.position, before.position);
    assert_eq!(appended.versions, [Version::new(2)]);
    assert_eq!(store.log().await.len(), 2);
    assert_eq!(store.head_position().await, before.position);
}

/// An empty write to a stream that does not exist does not make it.
pub async fn an_empty_write_makes_no_stream(subject: Subject) {
    let store = subject.store();
    let appended = store.write("account-1", Vec::new()).await;
    assert_eq!(appended.position, Position::ZERO);
    assert_eq!(appended.versions, [Version::ZERO]);
    let outcome = store.try_write("account-1", ExpectedVersion::NoStream, counted(1)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// A batch that names a stream twice is refused as invalid, and nothing of it is written.
pub async fn a_stream_that_occurs_twice_is_refused(subject: Subject) {
    let store = subject.store();
    let twice = batch(vec![write("account-1", counted(1)), write("account-1", counted(1))]);
    let error = refused(store.append(twice).await);
    assert!(matches!(error, AppendError::Invalid { .. }), "{error:?}");
    assert!(store.log().await.is_empty());
}

/// The longest allowed payload is taken; one byte more is refused with the numbers.
pub async fn a_payload_beyond_the_limit_is_refused(subject: Subject) {
    let (store, longest) = (subject.store(), subject.payload_limit());
    store.write("account-1", sized(1, longest)).await;
    let outcome = store.try_write("account-1", ExpectedVersion::Any, sized(1, longest + 1)).await;
    match refused(outcome) {
        AppendError::TooLarge { event_type, size, limit } => {
            assert_eq!((&*event_type, size, limit), ("Held", longest + 1, longest));
        }
        other => panic!("the payload must be refused as too large: {other:?}"),
    }
    let events = store.stream("account-1").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].payload.data.len(), longest);
}

/// One bad event refuses all events that stand before and after it in the batch.
pub async fn one_bad_event_refuses_the_batch(subject: Subject) {
    let (store, longest) = (subject.store(), subject.payload_limit());
    let mut events = counted(3);
    events.insert(1, sized(1, longest + 1).remove(0));
    let error = refused(store.try_write("account-1", ExpectedVersion::Any, events).await);
    assert!(matches!(error, AppendError::TooLarge { .. }), "{error:?}");
    assert!(store.log().await.is_empty());
    assert_eq!(store.version_of("account-1").await, 0);
}

/// A refused append consumes no position and no version.
pub async fn a_refused_append_consumes_nothing(subject: Subject) {
    let store = subject.store();
    let first = store.write("account-1", counted(1)).await;
    for _ in 0..5 {
        refused(store.try_write("account-1", exact(7), counted(3)).await);
    }
    assert_eq!(store.head_position().await, first.position);
    let second = store.write("account-1", counted(1)).await;
    assert_eq!(second.versions, [Version::new(2)]);
    let log = store.log().await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[1].position, second.position);
}

/// Ten thousand events are one append like any other.
pub async fn a_large_batch_is_one_append(subject: Subject) {
    let store = subject.store();
    let events = counted(10_000);
    let expected = new_ids(&events);
    let appended = store.write("account-1", events).await;
    assert_eq!(appended.versions, [Version::new(10_000)]);
    assert_eq!(appended.position, store.head_position().await);
    assert_eq!(ids(&store.log().await), expected);
}

/// Dropping the future of an append leaves all of its events written, or none.
pub async fn a_dropped_append_is_all_or_nothing(subject: Subject) {
    let store = subject.store();
    for number in 0..20 {
        let name = format!("dropped-{number}");
        let dropped = store.try_write(&name, ExpectedVersion::Any, counted(3)).now_or_never();
        drop(dropped);
    }
    // A later append queues behind whatever the dropped ones started.
    store.write("later-1", counted(1)).await;
    for number in 0..20 {
        let name = format!("dropped-{number}");
        let version = store.version_of(&name).await;
        assert!(version == 0 || version == 3, "a dropped append left {version} of 3 events");
        assert_eq!(store.stream(&name).await.len() as u64, version);
    }
}
