//! Several stores on one file, waiting, and closing.

use std::time::Duration;

use futures::{future::join_all, poll};
use lucent_core::{
    Position, Version,
    store::{
        AppendError, EventFilter, EventStore as _, ExpectedVersion, StoreError, VersionConflict,
    },
};
use lucent_sqlite::SqliteStore;
use tokio::time::timeout;

use crate::support::{Folder, log, one, positions, read, stream};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn two_stores_see_each_other_and_conflict() {
    let folder = Folder::new();
    let (left, right) = (folder.open().await, folder.open().await);
    left.append(one("a", ExpectedVersion::NoStream)).await.unwrap();
    right.append(one("a", ExpectedVersion::Exact(Version::new(1)))).await.unwrap();
    // The left one remembers version 1 and must notice that it no longer holds.
    let error = left.append(one("a", ExpectedVersion::Exact(Version::new(1)))).await.unwrap_err();
    let AppendError::Conflict(VersionConflict::WrongVersion { found, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(found, Version::new(2));
    let done = left.append(one("a", ExpectedVersion::Exact(Version::new(2)))).await.unwrap();
    assert_eq!(done.position, Position::new(3));
    assert_eq!(right.head().await.unwrap(), Position::new(3));
    assert_eq!(read(&right, "a").await.len(), 3);
}

#[tokio::test]
async fn events_that_plain_sql_removed_are_not_remembered() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::NoStream)).await.unwrap();
    folder.sql().execute_batch("DELETE FROM events").unwrap();
    let done = store.append(one("a", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(done.position, Position::new(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_of_two_stores_are_consecutive() {
    let folder = Folder::new();
    let (left, right) = (folder.open().await, folder.open().await);
    let appends = (0..200).map(|number| {
        let store = if number % 2 == 0 { &left } else { &right };
        let name = format!("s-{}", number / 2);
        async move { store.append(one(&name, ExpectedVersion::NoStream)).await }
    });
    let outcomes = join_all(appends).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 100);
    let all = log(&left, EventFilter::all()).await;
    assert_eq!(positions(&all), (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_waiting_reader_hears_of_this_stores_appends() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    let past = store.wait_past(Position::ZERO).await.unwrap();
    assert_eq!(past, Position::new(1));
    let mut wait = Box::pin(store.wait_past(Position::new(1)));
    assert!(poll!(&mut wait).is_pending());
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    assert_eq!(timeout(PATIENCE, wait).await.unwrap().unwrap(), Position::new(2));
}

#[tokio::test]
async fn a_waiting_reader_hears_of_another_stores_appends() {
    let folder = Folder::new();
    let (left, right) = (folder.open().await, folder.open().await);
    for number in 0..20 {
        let position = Position::new(number);
        let (waited, appended) = tokio::join!(
            timeout(PATIENCE, right.wait_past(position)),
            left.append(one("a", ExpectedVersion::Any)),
        );
        assert_eq!(waited.unwrap().unwrap(), appended.unwrap().position);
    }
    // Appended before the wait begins.
    left.append(one("a", ExpectedVersion::Any)).await.unwrap();
    let waited = timeout(PATIENCE, right.wait_past(Position::new(20))).await;
    assert_eq!(waited.unwrap().unwrap(), Position::new(21));
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_then_reported() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .busy_timeout(Duration::from_millis(50))
        .open(folder.path())
        .await
        .unwrap();
    let sql = folder.sql();
    sql.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.append(one("a", ExpectedVersion::Any)).await.unwrap_err();
    let AppendError::Store(error) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(error, StoreError::Busy { .. }) && error.is_transient(), "{error}");
    sql.execute_batch("ROLLBACK").unwrap();
    store.append(one("a", ExpectedVersion::NoStream)).await.unwrap();
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut queued: Vec<_> = (0..300)
        .map(|number| {
            let store = store.clone();
            Box::pin(async move {
                let name = format!("s-{number}");
                store.append(one(&name, ExpectedVersion::NoStream)).await
            })
        })
        .collect();
    for append in &mut queued {
        drop(poll!(append));
    }
    let mut waiting = Box::pin(store.wait_past(Position::new(1_000)));
    assert!(poll!(&mut waiting).is_pending());
    store.close().await;
    assert!(matches!(waiting.await, Err(StoreError::Closed { .. })));
    for outcome in join_all(queued).await {
        outcome.unwrap();
    }
    let late = store.append(one("late", ExpectedVersion::Any)).await;
    assert!(matches!(late, Err(AppendError::Store(StoreError::Closed { .. }))));
    assert!(matches!(store.head().await, Err(StoreError::Closed { .. })));
    assert_eq!(folder.open().await.head().await.unwrap(), Position::new(300));
}

#[tokio::test]
async fn an_append_whose_future_is_dropped_is_written_whole_or_not_at_all() {
    let folder = Folder::new();
    let store = folder.open().await;
    for number in 0..50 {
        let name = format!("s-{number}");
        let mut append = Box::pin(store.append(lucent_core::store::Append::one(
            stream(&name),
            ExpectedVersion::NoStream,
            crate::support::events(3),
        )));
        drop(poll!(&mut append));
    }
    store.append(one("last", ExpectedVersion::NoStream)).await.unwrap();
    let all = log(&store, EventFilter::all()).await;
    assert_eq!(all.len() % 3, 1);
    assert_eq!(positions(&all), (1..=all.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn dropping_the_last_handle_keeps_what_was_appended() {
    let folder = Folder::new();
    let store = folder.open().await;
    let clone = store.clone();
    drop(store);
    clone.append(one("a", ExpectedVersion::Any)).await.unwrap();
    drop(clone);
    assert_eq!(read(&folder.open().await, "a").await.len(), 1);
}
