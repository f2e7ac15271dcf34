//! Snapshots: a cache of the newest state.

use lucent_core::{
    Payload, Position, Version,
    store::{Snapshot, SnapshotKey, SnapshotStore as _},
};

use crate::support::{Folder, stream};

fn snapshot(version: u64, schema_version: u32) -> Snapshot {
    Snapshot {
        version: Version::new(version),
        position: Position::new(version * 2),
        schema_version,
        payload: Payload::json(&version).unwrap(),
    }
}

#[tokio::test]
async fn the_newest_snapshot_of_a_shape_is_kept() {
    let folder = Folder::new();
    let store = folder.open().await;
    let key = SnapshotKey { stream: stream("account-1"), aggregate: "Account" };
    assert_eq!(store.load_snapshot(&key).await.unwrap(), None);
    for (saved, kept) in [
        (snapshot(5, 1), snapshot(5, 1)),
        (snapshot(4, 1), snapshot(5, 1)),
        (snapshot(6, 1), snapshot(6, 1)),
        (snapshot(3, 2), snapshot(3, 2)),
    ] {
        store.save_snapshot(&key, saved).await.unwrap();
        assert_eq!(store.load_snapshot(&key).await.unwrap(), Some(kept));
    }
    let other = SnapshotKey { aggregate: "Other", ..key.clone() };
    assert_eq!(store.load_snapshot(&other).await.unwrap(), None);
    store.close().await;
    let store = folder.open().await;
    assert_eq!(store.load_snapshot(&key).await.unwrap(), Some(snapshot(3, 2)));
    folder.sql().execute_batch("UPDATE snapshots SET content_type = 77").unwrap();
    assert_eq!(store.load_snapshot(&key).await.unwrap(), None);
}
