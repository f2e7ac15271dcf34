//! Appends to several streams: one batch, one outcome.

use crate::conformance::vocabulary::*;

/// A batch writes to all of its streams; the log has its events together, in the order of writes.
pub async fn a_batch_stands_together_in_the_log(subject: Subject) {
    let store = subject.store();
    store.write("other-1", counted(1)).await;
    let (debit, credit) = (counted(2), counted(3));
    let expected: Vec<_> = [new_ids(&debit), new_ids(&credit)].concat();
    let transfer = batch(vec![write("account-2", debit), write("account-1", credit)]);
    let appended = store.append(transfer).await.expect("the batch is written");
    store.write("other-1", counted(1)).await;
    let log = store.log().await;
    assert_eq!(ids(&log[1..6]), expected);
    assert_eq!(appended.position, log[5].position);
    assert_eq!(versions(&log[1..6]), [1, 2, 1, 2, 3]);
}

/// The outcome's versions are in the order of the writes.
pub async fn versions_are_in_the_order_of_the_writes(subject: Subject) {
    let store = subject.store();
    store.write("b-1", counted(5)).await;
    let writes =
        batch(vec![write("c-1", counted(1)), write("b-1", counted(2)), write("a-1", counted(3))]);
    let appended = store.append(writes).await.expect("the batch is written");
    assert_eq!(appended.versions, [1, 7, 3].map(Version::new));
}

/// A conflict in any stream refuses all of them and names the stream.
pub async fn one_conflict_refuses_every_stream(subject: Subject) {
    let store = subject.store();
    store.write("account-2", counted(1)).await;
    let head = store.head_position().await;
    for failing in 0..3 {
        let mut writes: Vec<_> =
            ["account-1", "account-2", "account-3"].map(|name| write(name, counted(1))).into();
        writes[failing].expected = exact(9);
        let name = writes[failing].stream.clone();
        match refused(store.append(batch(writes)).await) {
            AppendError::Conflict(VersionConflict::WrongVersion { stream, .. }) => {
                assert_eq!(stream, name);
            }
            other => panic!("the batch must be refused for a version: {other:?}"),
        }
        assert_eq!(store.head_position().await, head);
        assert_eq!(store.log().await.len(), 1);
        assert_eq!(store.version_of("account-1").await, 0);
    }
}

/// Each write of a batch has an expectation of its own.
pub async fn each_write_has_its_own_expectation(subject: Subject) {
    let store = subject.store();
    store.write("account-2", counted(2)).await;
    let mut writes = vec![
        write("account-1", counted(1)),
        write("account-2", counted(1)),
        write("account-3", counted(1)),
    ];
    writes[0].expected = ExpectedVersion::NoStream;
    writes[1].expected = exact(2);
    let appended = store.append(batch(writes)).await.expect("every expectation holds");
    assert_eq!(appended.versions, [1, 3, 1].map(Version::new));
}

/// A write without events guards a stream that the batch does not change.
pub async fn an_empty_write_guards_its_stream(subject: Subject) {
    let store = subject.store();
    store.write("limit-1", counted(2)).await;
    let guarded = |version| {
        let mut writes = vec![write("limit-1", Vec::new()), write("account-1", counted(1))];
        writes[0].expected = exact(version);
        batch(writes)
    };
    let error = refused(store.append(guarded(1)).await);
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(store.version_of("account-1").await, 0);
    let appended = store.append(guarded(2)).await.expect("the guard holds");
    assert_eq!(appended.versions, [2, 1].map(Version::new));
    assert_eq!(store.version_of("limit-1").await, 2);
}

/// A batch may write to a hundred streams.
pub async fn a_hundred_streams_in_one_batch(subject: Subject) {
    let store = subject.store();
    let writes = (0..100).map(|number| write(&format!("account-{number}"), counted(2)));
    let appended = store.append(batch(writes.collect())).await.expect("the batch is written");
    assert_eq!(appended.versions, vec![Version::new(2); 100]);
    for number in [0, 50, 99] {
        assert_eq!(versions(&store.stream(&format!("account-{number}")).await), [1, 2]);
    }
}

/// A reader sees a batch as a whole or not at all, at any time.
pub async fn readers_never_see_half_of_a_batch(subject: Subject) {
    const BATCHES: usize = 100;
    let (store, reader) = (subject.store(), subject.store());
    let writing = async move {
        for _ in 0..BATCHES {
            // Three steps, so that a reader who takes turns with the writer meets each of them.
            let streams = ["debit-1", "credit-1", "fee-1"];
            let transfer = batch(streams.map(|name| write(name, counted(2))).into());
            store.append(transfer).await.expect("the batch is written");
        }
    };
    let reading = async move {
        loop {
            let events = reader.log_page(LogRead::backward(EventFilter::all())).await.events;
            assert_eq!(events.len() % 6, 0, "a reader saw {} of 6 events", events.len() % 6);
            if events.len() == 6 * BATCHES {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let tasks: [futures::future::BoxFuture<'static, ()>; 2] =
        [Box::pin(writing), Box::pin(reading)];
    race(tasks).await;
}
