//! What happens when a path is opened that is, or is not, a store.

use std::{fs, path::Path};

use futures::future::join_all;
use lucent_core::{
    Position,
    store::{
        EventFilter, EventStore as _, ExpectedVersion, Parked, ParkedChange, ParkedEvent,
        ProjectionCommit, ProjectionId, ReadModelStore as _, StoreError,
    },
};
use lucent_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::support::{Folder, log, one, stream};

/// Everything in the folder, to show that nothing was touched.
fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

async fn refused(folder: &Folder) -> StoreError {
    let before = contents(&folder.path());
    let error = SqliteStore::open(folder.path()).await.unwrap_err();
    assert!(before == contents(&folder.path()), "the folder was touched");
    assert!(error.to_string().contains("events.db"), "{error}");
    error
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_untouched() {
    for text in [&b"hello"[..], &[7; 5_000]] {
        let folder = Folder::new();
        fs::write(folder.path(), text).unwrap();
        let error = refused(&folder).await;
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_foreign_database_is_refused_untouched() {
    for setup in [
        "CREATE TABLE accounts (id)",
        "CREATE TABLE events (position)",
        "PRAGMA application_id = 7; CREATE TABLE x (id)",
        "PRAGMA application_id = 7; PRAGMA user_version = 1",
    ] {
        let folder = Folder::new();
        folder.sql().execute_batch(setup).unwrap();
        let error = refused(&folder).await;
        assert!(matches!(error, StoreError::NotAStore { .. }), "{setup}: {error}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let folder = Folder::new();
    folder.open().await.close().await;
    folder.sql().execute_batch("PRAGMA user_version = 4").unwrap();
    let error = refused(&folder).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 4, supported: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_schema_that_is_upgraded_while_the_store_is_open_stops_its_writer() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    folder.sql().execute_batch("PRAGMA user_version = 4").unwrap();
    let error = store.append(one("a", ExpectedVersion::Any)).await.unwrap_err();
    assert!(error.to_string().contains("schema version 4"), "{error}");
}

#[tokio::test]
async fn an_empty_file_and_an_empty_database_become_stores() {
    let folder = Folder::new();
    fs::write(folder.path(), b"").unwrap();
    folder.open().await;
    let folder = Folder::new();
    folder.sql().execute_batch("CREATE TABLE x (id); DROP TABLE x").unwrap();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
}

#[tokio::test]
async fn a_missing_folder_and_a_folder_are_named() {
    let folder = Folder::new();
    let inside = folder.path().join("deeper").join("events.db");
    let error = SqliteStore::open(&inside).await.unwrap_err();
    assert!(matches!(error, StoreError::Inaccessible { .. }), "{error}");
    assert!(error.to_string().contains("does not exist; create it first"), "{error}");
    assert!(error.to_string().contains(inside.to_str().unwrap()), "{error}");
    fs::create_dir(folder.path()).unwrap();
    let error = SqliteStore::open(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("it is a folder"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    folder.open().await.close().await;
    let mut permissions = fs::metadata(folder.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.path(), permissions).unwrap();
    // A superuser may write the file all the same.
    let may_write = fs::OpenOptions::new().append(true).open(folder.path()).is_ok();
    match SqliteStore::open(folder.path()).await {
        Ok(_) => assert!(may_write),
        Err(error @ StoreError::Inaccessible { .. }) => {
            assert!(!may_write);
            assert!(error.to_string().contains("read-only"), "{error}");
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = Folder::new();
    let stores = join_all((0..8).map(|_| SqliteStore::open(folder.path()))).await;
    for (number, store) in stores.into_iter().enumerate() {
        let append = one(&format!("s-{number}"), ExpectedVersion::NoStream);
        store.unwrap().append(append).await.unwrap();
    }
    let store = folder.open().await;
    assert_eq!(log(&store, EventFilter::all()).await.len(), 8);
}

#[tokio::test]
async fn a_relaxed_store_is_the_same_store() {
    let folder = Folder::new();
    let relaxed = SqliteStore::builder().relaxed().readers(1).open(folder.path()).await.unwrap();
    relaxed.append(one("a", ExpectedVersion::Any)).await.unwrap();
    relaxed.close().await;
    assert_eq!(log(&folder.open().await, EventFilter::all()).await.len(), 1);
}

#[tokio::test]
async fn plain_sql_reads_the_events() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("account-1", ExpectedVersion::Any)).await.unwrap();
    let sql: Connection = folder.sql();
    let row: (i64, String, String, i64, String, String) = sql
        .query_row(
            "SELECT position, stream, event_type, data ->> 'amount', recorded_at, event_id \
             FROM events_readable",
            [],
            |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            },
        )
        .unwrap();
    let event = log(&store, EventFilter::all()).await.remove(0);
    assert_eq!((row.0, &*row.1, &*row.2, row.3), (1, "account-1", "Counted", 7));
    assert_eq!(row.4, "2026-01-05T10:00:00.250000Z");
    assert_eq!(row.5, event.id.to_string());
    let early: String = sql
        .query_row(
            "SELECT recorded_at FROM (SELECT * FROM events_readable) WHERE position = 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(early, row.4);
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    store.close().await;
    store.close().await;
    let names: Vec<_> = contents(&folder.path()).into_iter().map(|file| file.0).collect();
    assert_eq!(names, ["events.db"]);
}

/// The schema as version 1 had it, with a projection that has come somewhere.
fn make_version_1(folder: &Folder) {
    let sql = folder.sql();
    sql.execute_batch(include_str!("../src/schema.sql")).unwrap();
    sql.execute_batch(
        "INSERT INTO projections (name, version, checkpoint, active) VALUES ('accounts', 1, 0, 1); \
         INSERT INTO documents VALUES (1, 'a', '1'); \
         PRAGMA application_id = 0x4c636e74; PRAGMA user_version = 1;",
    )
    .unwrap();
}

#[tokio::test]
async fn a_store_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds() {
    let folder = Folder::new();
    make_version_1(&folder);
    let stores = join_all((0..4).map(|_| SqliteStore::open(folder.path()))).await;
    let id = ProjectionId::new("accounts", 1);
    for store in stores {
        let store = store.unwrap();
        assert_eq!(store.parked(&id).await.unwrap(), Parked::default());
        assert_eq!(store.document_page(&id, None, 9).await.unwrap().len(), 1);
        assert_eq!(store.active_version("accounts").await.unwrap(), Some(1));
        store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    }
    let found: u32 = folder.sql().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(found, 3);
}

#[tokio::test]
async fn plain_sql_reads_parked_events() {
    let folder = Folder::new();
    let store = folder.open().await;
    let parked = ParkedEvent {
        key: "account-1".into(),
        position: Position::new(3),
        stream: stream("s-1"),
        event_type: "Counted".into(),
        reason: Some("no".into()),
    };
    let step =
        ProjectionCommit::new(ProjectionId::new("accounts", 1), Position::ZERO, Position::new(3));
    let parked = vec![ParkedChange::Park(parked)];
    store.commit_projection(ProjectionCommit { parked, ..step }).await.unwrap();
    let row: (String, String, String, i64, String) = folder
        .sql()
        .query_row(
            "SELECT projection, kind, key, position, reason FROM parked_readable",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    let expected = ("accounts", "document", "account-1", 3, "no");
    assert_eq!((&*row.0, &*row.1, &*row.2, row.3, &*row.4), expected);
}
