//! Damaged files and files at their limit.

use std::fs;

use futures::future::join_all;
use lucent_core::{
    Payload, Position,
    store::{
        Append, AppendError, EventFilter, EventStore as _, ExpectedVersion, LogRead, StoreError,
    },
};
use lucent_sqlite::SqliteStore;

use crate::support::{Folder, event, events, log, one, stream};

#[tokio::test]
async fn a_damaged_row_is_an_error_that_names_it() {
    for edit in [
        "event_id = x'00'",
        "correlation = x'0102'",
        "content_type = 9",
        "data = 12",
        "context = '{'",
        "tags = '[1]'",
        "schema_version = -1",
        "stream = ''",
    ] {
        let folder = Folder::new();
        let store = folder.open().await;
        let append = Append::one(stream("a"), ExpectedVersion::Any, events(3));
        store.append(append).await.unwrap();
        let sql = format!("UPDATE events SET {edit} WHERE position = 2");
        folder.sql().execute_batch(&sql).unwrap();
        let error =
            store.read_log(LogRead::after(EventFilter::all(), Position::ZERO)).await.unwrap_err();
        let StoreError::Damaged { location, .. } = &error else {
            panic!("{edit}: {error:?}");
        };
        assert_eq!(location, "event 2", "{edit}");
        // The rest of the store works.
        store.append(one("b", ExpectedVersion::NoStream)).await.unwrap();
        let rest = LogRead::after(EventFilter::all(), Position::new(2));
        assert_eq!(store.read_log(rest).await.unwrap().events.len(), 2);
    }
}

#[tokio::test]
async fn a_damaged_payload_reads_as_it_is_and_does_not_decode() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    folder.sql().execute_batch("UPDATE events SET data = '{'").unwrap();
    let event = log(&store, EventFilter::all()).await.remove(0);
    assert_eq!(&event.payload.data[..], b"{");
    event.payload.to_json::<serde_json::Value>().unwrap_err();
}

#[tokio::test]
async fn a_damaged_file_is_reported_as_damaged() {
    let folder = Folder::new();
    let store = folder.open().await;
    let append = Append::one(stream("a"), ExpectedVersion::Any, events(500));
    store.append(append).await.unwrap();
    store.close().await;
    let mut bytes = fs::read(folder.path()).unwrap();
    // Leave the first page, so that the file is still a store.
    bytes[4_096..].fill(0xee);
    fs::write(folder.path(), bytes).unwrap();
    let error = match SqliteStore::open(folder.path()).await {
        Err(error) => error,
        Ok(store) => {
            store.read_log(LogRead::after(EventFilter::all(), Position::ZERO)).await.unwrap_err()
        }
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

/// Appends until the store is full; gives the number of acknowledged events.
pub(crate) async fn fill(store: &SqliteStore) -> u64 {
    let mut acknowledged = 0;
    loop {
        let appends = (0..16).map(|_| {
            let mut large = event("Stored", &["t"]);
            large.payload = Payload::binary(vec![7; 3_000]);
            store.append(Append::one(stream("a"), ExpectedVersion::Any, vec![large]))
        });
        for outcome in join_all(appends).await {
            match outcome {
                Ok(_) => acknowledged += 1,
                Err(AppendError::Store(StoreError::Full { .. })) => {
                    // Neighbors of the failed one may have fitted.
                    let head = store.head().await.unwrap();
                    if head.get() >= acknowledged {
                        continue;
                    }
                    panic!("an acknowledged event is missing");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        let head = store.head().await.unwrap().get();
        assert_eq!(head, acknowledged);
        let refused =
            store.append(Append::one(stream("a"), ExpectedVersion::Any, vec![large()])).await;
        match refused {
            Ok(_) => acknowledged += 1,
            Err(AppendError::Store(StoreError::Full { location })) => {
                assert!(location.contains("events.db"));
                return acknowledged;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn large() -> lucent_core::NewEvent {
    let mut large = event("Stored", &["t"]);
    large.payload = Payload::binary(vec![7; 3_000]);
    large
}

#[tokio::test]
async fn a_store_at_its_size_limit_is_full_and_stays_readable() {
    let folder = Folder::new();
    let limited = SqliteStore::builder().max_bytes(1 << 20).open(folder.path()).await.unwrap();
    let acknowledged = fill(&limited).await;
    assert!(acknowledged > 100);
    assert_eq!(log(&limited, EventFilter::all()).await.len() as u64, acknowledged);
    limited.close().await;
    let store = folder.open().await;
    let done = store.append(one("b", ExpectedVersion::NoStream)).await.unwrap();
    assert_eq!(done.position.get(), acknowledged + 1);
}
