//! Snapshots: the newest one of each key and shape.

use crate::conformance::vocabulary::*;

fn key(name: &str, aggregate: &'static str) -> SnapshotKey {
    SnapshotKey { stream: stream(name), aggregate }
}

fn snapshot(version: u64, schema_version: u32) -> Snapshot {
    Snapshot {
        version: Version::new(version),
        position: Position::new(version.saturating_mul(2)),
        schema_version,
        payload: Payload::json(&version).expect("numbers encode"),
    }
}

async fn save(store: &Handle, key: &SnapshotKey, snapshot: Snapshot) {
    store.save_snapshot(key, snapshot).await.expect("snapshots are saved");
}

async fn load(store: &Handle, key: &SnapshotKey) -> Option<Snapshot> {
    store.load_snapshot(key).await.expect("snapshots are loaded")
}

/// Where none was saved, there is none.
pub async fn a_missing_snapshot_is_none(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    assert_eq!(load(&store, &key("account-1", "Account")).await, None);
}

/// A snapshot comes back with every field, whatever its encoding.
pub async fn snapshots_come_back_with_every_field(subject: Subject) {
    let store = subject.store();
    let binary = Snapshot {
        payload: Payload::binary((0..=255).collect::<Vec<u8>>()),
        ..snapshot(u64::MAX >> 2, u32::MAX)
    };
    for (aggregate, saved) in [("Account", snapshot(200, 3)), ("Ledger", binary)] {
        let key = key("account-1", aggregate);
        let saved = Snapshot { position: Position::new(12_345), ..saved };
        save(&store, &key, saved.clone()).await;
        assert_eq!(load(&store, &key).await, Some(saved));
    }
}

/// A newer snapshot takes the place of an older one.
pub async fn a_newer_one_replaces_an_older_one(subject: Subject) {
    let (store, key) = (subject.store(), key("account-1", "Account"));
    for version in [100, 200, 1_000] {
        save(&store, &key, snapshot(version, 1)).await;
        assert_eq!(load(&store, &key).await, Some(snapshot(version, 1)));
    }
}

/// An older snapshot of the same shape does not take the place of a newer one.
pub async fn an_older_one_is_not_kept(subject: Subject) {
    let (store, key) = (subject.store(), key("account-1", "Account"));
    save(&store, &key, snapshot(1_000, 1)).await;
    for version in [999, 200] {
        save(&store, &key, snapshot(version, 1)).await;
        assert_eq!(load(&store, &key).await, Some(snapshot(1_000, 1)));
    }
}

/// A snapshot of another shape takes the place of one that the program cannot read.
pub async fn another_shape_replaces_a_newer_one(subject: Subject) {
    let (store, key) = (subject.store(), key("account-1", "Account"));
    save(&store, &key, snapshot(300, 1)).await;
    save(&store, &key, snapshot(200, 2)).await;
    assert_eq!(load(&store, &key).await, Some(snapshot(200, 2)));
}

/// Each stream and each type of aggregate has a snapshot of its own.
pub async fn each_key_has_its_own(subject: Subject) {
    let store = subject.store();
    let keys = [
        key("account-1", "Account"),
        key("account-1", "Ledger"),
        key("account-2", "Account"),
        key("Account-1", "Account"),
        key("account-1", "account"),
    ];
    for (key, version) in keys.iter().zip(1..) {
        save(&store, key, snapshot(version, 1)).await;
    }
    for (key, version) in keys.iter().zip(1..) {
        assert_eq!(load(&store, key).await, Some(snapshot(version, 1)), "{key:?}");
    }
}

/// A snapshot may be large.
pub async fn a_snapshot_may_be_large(subject: Subject) {
    let (store, key) = (subject.store(), key("account-1", "Account"));
    let saved = Snapshot { payload: Payload::binary(vec![9; 1 << 20]), ..snapshot(1, 1) };
    save(&store, &key, saved.clone()).await;
    assert_eq!(load(&store, &key).await, Some(saved));
}
