//! Expected versions: what a writer knows of a stream is checked when it writes.

use crate::conformance::vocabulary::*;

/// The conflict of an append that must have one; nothing of it may be written.
async fn conflict(store: &Handle, name: &str, expected: ExpectedVersion) -> VersionConflict {
    let (before, version) = (store.log().await.len(), store.version_of(name).await);
    let error = refused(store.try_write(name, expected, counted(2)).await);
    assert!(error.is_conflict(), "a new decision may succeed: {error:?}");
    assert_eq!(store.log().await.len(), before, "a refused append wrote something");
    assert_eq!(store.version_of(name).await, version, "a refused append moved the version");
    match error {
        AppendError::Conflict(conflict) => conflict,
        other => panic!("the append must be refused for its version: {other:?}"),
    }
}

/// `Any` writes to streams that exist and to those that do not.
pub async fn any_takes_new_and_old_streams(subject: Subject) {
    let store = subject.store();
    for version in 1..=3 {
        let outcome = store.try_write("account-1", ExpectedVersion::Any, counted(1)).await;
        assert_eq!(outcome.expect("any version").versions, [Version::new(version)]);
    }
}

/// `NoStream` makes a stream.
pub async fn no_stream_takes_a_new_stream(subject: Subject) {
    let store = subject.store();
    store.write("account-10", counted(1)).await;
    let outcome = store.try_write("account-1", ExpectedVersion::NoStream, counted(2)).await;
    assert_eq!(outcome.expect("the stream is new").versions, [Version::new(2)]);
}

/// `NoStream` is refused by a stream that has events, and the error says how many.
pub async fn no_stream_refuses_an_old_stream(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    let found = conflict(&store, "account-1", ExpectedVersion::NoStream).await;
    let expected =
        VersionConflict::StreamExists { stream: stream("account-1"), found: Version::new(3) };
    assert_eq!(found, expected);
}

/// `StreamExists` writes to a stream that has events.
pub async fn stream_exists_takes_an_old_stream(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(1)).await;
    let outcome = store.try_write("account-1", ExpectedVersion::StreamExists, counted(1)).await;
    assert_eq!(outcome.expect("the stream exists").versions, [Version::new(2)]);
}

/// `StreamExists` is refused where there is no event, and the error names the stream.
pub async fn stream_exists_refuses_a_new_stream(subject: Subject) {
    let store = subject.store();
    store.write("account-10", counted(1)).await;
    let found = conflict(&store, "account-1", ExpectedVersion::StreamExists).await;
    assert_eq!(found, VersionConflict::StreamMissing { stream: stream("account-1") });
}

/// `Exact` writes at the stream's version.
pub async fn exact_takes_the_current_version(subject: Subject) {
    let store = subject.store();
    for version in 0..5 {
        let outcome = store.try_write("account-1", exact(version), counted(1)).await;
        assert_eq!(outcome.expect("the version is right").versions, [Version::new(version + 1)]);
    }
}

/// `Exact` is refused at an older version, and the error says what was expected and found.
pub async fn exact_refuses_an_older_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    for version in [1, 2] {
        let found = conflict(&store, "account-1", exact(version)).await;
        assert_eq!(found, wrong_version("account-1", version, 3));
    }
}

/// `Exact` is refused at a version that the stream has not reached.
pub async fn exact_refuses_a_version_to_come(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    for version in [4, u64::MAX] {
        let found = conflict(&store, "account-1", exact(version)).await;
        assert_eq!(found, wrong_version("account-1", version, 3));
    }
    let found = conflict(&store, "account-2", exact(1)).await;
    assert_eq!(found, wrong_version("account-2", 1, 0));
}

/// `Exact(0)` asks for a stream without events.
pub async fn exact_zero_takes_only_a_new_stream(subject: Subject) {
    let store = subject.store();
    let outcome = store.try_write("account-1", exact(0), counted(1)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let found = conflict(&store, "account-1", exact(0)).await;
    assert_eq!(found, wrong_version("account-1", 0, 1));
}

/// The version counts events, not appends.
pub async fn exact_counts_events_not_appends(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    let found = conflict(&store, "account-1", exact(1)).await;
    assert_eq!(found, wrong_version("account-1", 1, 5));
    let outcome = store.try_write("account-1", exact(5), counted(1)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// A write without events checks its expectation like any other.
pub async fn an_empty_write_checks_its_expectation(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(2)).await;
    let outcome = store.try_write("account-1", exact(2), Vec::new()).await;
    assert_eq!(outcome.expect("the version is right").versions, [Version::new(2)]);
    let error = refused(store.try_write("account-1", exact(1), Vec::new()).await);
    assert!(error.is_conflict(), "{error:?}");
    let error =
        refused(store.try_write("account-2", ExpectedVersion::StreamExists, Vec::new()).await);
    assert!(error.is_conflict(), "{error:?}");
}

/// After a conflict, the same writer succeeds at the version that it was told.
pub async fn a_conflict_tells_where_to_go_on(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(2)).await;
    let VersionConflict::WrongVersion { found, .. } = conflict(&store, "account-1", exact(1)).await
    else {
        panic!("the conflict says which version was found");
    };
    let outcome = store.try_write("account-1", ExpectedVersion::Exact(found), counted(1)).await;
    assert_eq!(outcome.expect("the version is right").versions, [Version::new(3)]);
}

/// Writers of different streams are never in each other's way.
pub async fn unrelated_streams_never_conflict(subject: Subject) {
    let store = subject.store();
    for version in 0..20 {
        for name in ["account-1", "account-2", "Account-1", "account-11"] {
            let outcome = store.try_write(name, exact(version), counted(1)).await;
            assert!(outcome.is_ok(), "{name} at {version}: {outcome:?}");
        }
    }
}

fn wrong_version(name: &str, expected: u64, found: u64) -> VersionConflict {
    VersionConflict::WrongVersion {
        stream: stream(name),
        expected: Version::new(expected),
        found: Version::new(found),
    }
}
