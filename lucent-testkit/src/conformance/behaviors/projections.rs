//! Read models: documents and checkpoints change together, exactly once.

use bytes::Bytes;

use crate::conformance::vocabulary::*;

fn id(version: u32) -> ProjectionId {
    ProjectionId::new("accounts", version)
}

fn step(
    projection: ProjectionId,
    from: u64,
    to: u64,
    changes: Vec<DocumentChange>,
) -> ProjectionCommit {
    let (from, to) = (Position::new(from), Position::new(to));
    ProjectionCommit { changes, ..ProjectionCommit::new(projection, from, to) }
}

fn put(key: &str, body: &'static str) -> DocumentChange {
    DocumentChange::Put(Document { key: key.into(), body: Bytes::from_static(body.as_bytes()) })
}

fn delete(key: &str) -> DocumentChange {
    DocumentChange::Delete(key.into())
}

async fn commit(store: &Handle, commit: ProjectionCommit) {
    store.commit_projection(commit).await.expect("the step starts from the checkpoint");
}

async fn checkpoint(store: &Handle, projection: &ProjectionId) -> u64 {
    store.checkpoint(projection).await.expect("checkpoints are readable").get()
}

async fn active(store: &Handle, name: &str) -> Option<u32> {
    store.active_version(name).await.expect("active versions are readable")
}

async fn documents(
    store: &Handle,
    projection: &ProjectionId,
    keys: &[&str],
) -> Vec<Option<String>> {
    let keys: Vec<_> = keys.iter().map(|&key| DocumentKey::from(key)).collect();
    let documents = store.documents(projection, &keys).await.expect("documents are readable");
    let text =
        |body: Bytes| String::from_utf8(body.into()).expect("the suite's documents are text");
    documents.into_iter().map(|body| body.map(text)).collect()
}

async fn page(store: &Handle, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(DocumentKey::from);
    let page = store.document_page(&id(1), after.as_ref(), limit).await;
    let page = page.expect("documents are readable");
    page.iter().map(|document| document.key.to_string()).collect()
}

/// A projection that never ran has checkpoint zero, no documents and no active version.
pub async fn a_new_projection_is_at_zero(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 0);
    assert_eq!(documents(&store, &id(1), &["a"]).await, [None]);
    assert!(page(&store, None, 10).await.is_empty());
    assert_eq!(active(&store, "accounts").await, None);
}

/// A step writes its documents and moves the checkpoint.
pub async fn a_step_moves_documents_and_checkpoint(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 5, vec![put("a", "1"), put("b", "2")])).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 5);
    commit(&store, step(id(1), 5, 9, vec![put("b", "3"), put("c", "4"), delete("a")])).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 9);
    let found = documents(&store, &id(1), &["a", "b", "c"]).await;
    assert_eq!(found, [None, Some("3".into()), Some("4".into())]);
}

/// A step from another checkpoint is refused with both positions, and nothing of it is written.
pub async fn a_step_from_elsewhere_is_refused(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 5, vec![put("a", "1")])).await;
    for from in [0, 4, 6] {
        let mut stale = step(id(1), from, 9, vec![put("a", "9"), put("b", "9")]);
        stale.activate = true;
        match store.commit_projection(stale).await {
            Err(CommitError::CheckpointMoved { projection, expected, found }) => {
                assert_eq!((projection, expected.get(), found.get()), (id(1), from, 5));
            }
            other => panic!("a step from {from} must be refused: {other:?}"),
        }
    }
    assert_eq!(checkpoint(&store, &id(1)).await, 5);
    assert_eq!(documents(&store, &id(1), &["a", "b"]).await, [Some("1".into()), None]);
    assert_eq!(active(&store, "accounts").await, None);
}

/// A projection that never ran refuses a step that starts later than zero.
pub async fn the_first_step_starts_at_zero(subject: Subject) {
    let store = subject.store();
    let outcome = store.commit_projection(step(id(1), 3, 5, vec![put("a", "1")])).await;
    assert!(matches!(outcome, Err(CommitError::CheckpointMoved { .. })), "{outcome:?}");
    assert_eq!(checkpoint(&store, &id(1)).await, 0);
    assert_eq!(documents(&store, &id(1), &["a"]).await, [None]);
}

/// A step without changes moves the checkpoint; one that goes nowhere keeps it.
pub async fn a_step_may_be_empty(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 7, Vec::new())).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 7);
    commit(&store, step(id(1), 7, 7, vec![put("a", "1")])).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 7);
    assert_eq!(documents(&store, &id(1), &["a"]).await, [Some("1".into())]);
}

/// The changes of a step happen in their order.
pub async fn changes_happen_in_their_order(subject: Subject) {
    let store = subject.store();
    let changes =
        vec![put("a", "1"), put("a", "2"), put("b", "1"), delete("b"), delete("c"), put("c", "3")];
    commit(&store, step(id(1), 0, 1, changes)).await;
    let found = documents(&store, &id(1), &["a", "b", "c"]).await;
    assert_eq!(found, [Some("2".into()), None, Some("3".into())]);
}

/// Removing a document that is not there is no error.
pub async fn removing_nothing_is_no_error(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 1, vec![delete("a")])).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 1);
    assert_eq!(documents(&store, &id(1), &["a"]).await, [None]);
}

/// Documents come in the order of the keys that were asked for, with holes and repetitions.
pub async fn documents_come_in_the_order_asked(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 1, vec![put("a", "1"), put("b", "2"), put("c", "3")])).await;
    let found = documents(&store, &id(1), &["c", "x", "a", "c"]).await;
    assert_eq!(found, [Some("3".into()), None, Some("1".into()), Some("3".into())]);
    assert!(documents(&store, &id(1), &[]).await.is_empty());
}

/// Many documents can be read and written at once.
pub async fn many_documents_at_once(subject: Subject) {
    let store = subject.store();
    let keys: Vec<String> = (0..3_000).map(|number| format!("key-{number}")).collect();
    let changes = keys.iter().map(|key| put(key, "{}")).collect();
    commit(&store, step(id(1), 0, 1, changes)).await;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = documents(&store, &id(1), &keys).await;
    assert_eq!(found.iter().flatten().count(), 3_000);
}

/// Documents come back byte by byte, however large they are.
pub async fn documents_come_back_as_they_were(subject: Subject) {
    let store = subject.store();
    let text = r#"{ "b": 1,  "a": [1.50, null], "b": "ü\u0000\n🦀" }"#;
    let large = Bytes::from(format!("\"{}\"", "x".repeat(1 << 20)));
    let large = DocumentChange::Put(Document { key: "large".into(), body: large });
    commit(&store, step(id(1), 0, 1, vec![put("text", text), large])).await;
    let found = documents(&store, &id(1), &["text", "large"]).await;
    assert_eq!(found[0].as_deref(), Some(text));
    assert_eq!(found[1].as_ref().map(String::len), Some((1 << 20) + 2));
}

/// Keys are compared to the letter, also odd ones.
pub async fn keys_are_compared_to_the_letter(subject: Subject) {
    let store = subject.store();
    let keys = ["a", "A", "a ", " a", "ä", "a\u{308}", "%", "_", "'", "\"", "🦀", "a/b", "1", "01"];
    for (position, key) in (0..).zip(keys) {
        commit(&store, step(id(1), position, position + 1, vec![put(key, "{}")])).await;
    }
    assert!(documents(&store, &id(1), &keys).await.iter().all(Option::is_some));
    assert_eq!(page(&store, None, 100).await.len(), keys.len());
    assert_eq!(documents(&store, &id(1), &["b", "2"]).await, [None, None]);
}

/// Pages of documents are in the order of the bytes of their keys.
pub async fn pages_are_in_the_order_of_keys(subject: Subject) {
    let store = subject.store();
    let mut keys = ["b", "a", "B", "a-1", "10", "9", "ä", "a1", "z", "🦀", "\u{fffd}"];
    let changes = keys.iter().map(|key| put(key, "{}")).collect();
    commit(&store, step(id(1), 0, 1, changes)).await;
    keys.sort_unstable();
    assert_eq!(page(&store, None, 100).await, keys);
}

/// Pages of documents follow each other; the key to read after is left out and need not exist.
pub async fn pages_of_documents_follow_each_other(subject: Subject) {
    let store = subject.store();
    let keys: Vec<String> = (0..25).map(|number| format!("key-{number:02}")).collect();
    let changes = keys.iter().map(|key| put(key, "{}")).collect();
    commit(&store, step(id(1), 0, 1, changes)).await;
    for size in [1, 7, 25, 26] {
        let mut all: Vec<String> = Vec::new();
        loop {
            let next = page(&store, all.last().map(String::as_str), size).await;
            assert!(next.len() <= size);
            if next.is_empty() {
                break;
            }
            all.extend(next);
            assert!(all.len() <= keys.len(), "documents are doubled: {all:?}");
        }
        assert_eq!(all, keys, "pages of {size}");
    }
    assert_eq!(page(&store, Some("key-03x"), 2).await, ["key-04", "key-05"]);
    assert!(page(&store, Some("z"), 2).await.is_empty());
}

/// A page of documents has their bodies, and none that were removed.
pub async fn pages_have_bodies_and_no_removed_ones(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 1, vec![put("a", "1"), put("b", "2"), put("c", "3")])).await;
    commit(&store, step(id(1), 1, 2, vec![delete("b"), put("c", "4")])).await;
    let page = store.document_page(&id(1), None, 10).await.expect("documents are readable");
    let expected = [("a", "1"), ("c", "4")];
    let expected = expected.map(|(key, body)| Document { key: key.into(), body: body.into() });
    assert_eq!(page, expected);
}

/// Versions of a projection, and projections, have documents and checkpoints of their own.
pub async fn versions_are_apart(subject: Subject) {
    let store = subject.store();
    let other = ProjectionId::new("orders", 1);
    commit(&store, step(id(1), 0, 5, vec![put("a", "1"), put("b", "1")])).await;
    commit(&store, step(id(2), 0, 3, vec![put("a", "2")])).await;
    commit(&store, step(other.clone(), 0, 4, vec![put("a", "3")])).await;
    for (projection, position, body) in [(id(1), 5, "1"), (id(2), 3, "2"), (other, 4, "3")] {
        assert_eq!(checkpoint(&store, &projection).await, position);
        assert_eq!(documents(&store, &projection, &["a"]).await, [Some(body.to_owned())]);
    }
    assert_eq!(page(&store, None, 10).await, ["a", "b"]);
}

/// A step activates its version together with its changes.
pub async fn a_step_can_activate_its_version(subject: Subject) {
    let store = subject.store();
    commit(&store, step(id(1), 0, 5, vec![put("a", "1")])).await;
    assert_eq!(active(&store, "accounts").await, None);
    commit(&store, ProjectionCommit { activate: true, ..step(id(1), 5, 5, Vec::new()) }).await;
    assert_eq!(active(&store, "accounts").await, Some(1));
    commit(&store, step(id(2), 0, 5, vec![put("a", "2")])).await;
    assert_eq!(active(&store, "accounts").await, Some(1), "version 2 is not activated yet");
    commit(&store, ProjectionCommit { activate: true, ..step(id(2), 5, 6, Vec::new()) }).await;
    assert_eq!(active(&store, "accounts").await, Some(2));
    commit(&store, step(id(1), 5, 6, Vec::new())).await;
    assert_eq!(
        active(&store, "accounts").await,
        Some(2),
        "a later step of version 1 changes nothing"
    );
    assert_eq!(active(&store, "account").await, None);
    assert_eq!(documents(&store, &id(1), &["a"]).await, [Some("1".into())]);
}

/// Dropping a version removes its documents and its checkpoint, and nothing else.
pub async fn dropping_a_version_leaves_the_others(subject: Subject) {
    let store = subject.store();
    for version in [1, 2] {
        commit(&store, step(id(version), 0, 5, vec![put("a", "1"), put("b", "1")])).await;
    }
    commit(&store, ProjectionCommit { activate: true, ..step(id(2), 5, 5, Vec::new()) }).await;
    store.drop_projection(&id(1)).await.expect("versions are dropped");
    assert_eq!(checkpoint(&store, &id(1)).await, 0);
    assert_eq!(documents(&store, &id(1), &["a", "b"]).await, [None, None]);
    assert!(page(&store, None, 10).await.is_empty());
    assert_eq!(checkpoint(&store, &id(2)).await, 5);
    assert_eq!(documents(&store, &id(2), &["a"]).await, [Some("1".into())]);
    assert_eq!(active(&store, "accounts").await, Some(2));
}

/// A version that was dropped, or never was, can be dropped and built anew.
pub async fn a_dropped_version_can_be_built_anew(subject: Subject) {
    let store = subject.store();
    store.drop_projection(&id(1)).await.expect("a missing version is dropped");
    commit(&store, step(id(1), 0, 5, vec![put("a", "1"), put("b", "1")])).await;
    store.drop_projection(&id(1)).await.expect("versions are dropped");
    commit(&store, step(id(1), 0, 3, vec![put("a", "2")])).await;
    assert_eq!(checkpoint(&store, &id(1)).await, 3);
    assert_eq!(documents(&store, &id(1), &["a", "b"]).await, [Some("2".into()), None]);
}

/// Read models do not touch the log.
pub async fn steps_do_not_touch_the_log(subject: Subject) {
    let store = subject.store();
    let head = store.write("a-1", counted(1)).await.position;
    commit(&store, step(id(1), 0, 5, vec![put("a", "1")])).await;
    assert_eq!(store.head_position().await, head);
    assert_eq!(store.log().await.len(), 1);
}

/// Of racing steps from one checkpoint, exactly one is taken: no update is lost.
pub async fn exactly_one_of_racing_steps_wins(subject: Subject) {
    for round in 0..10 {
        let outcomes = race((0..8).map(|worker| {
            let store = subject.store();
            async move {
                let key = format!("{round}-{worker}");
                store.commit_projection(step(id(1), round, round + 1, vec![put(&key, "{}")])).await
            }
        }))
        .await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{won} of 8 workers moved the checkpoint");
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, CommitError::CheckpointMoved { .. }), "{error:?}");
        }
        let documents = page(&subject.store(), None, 100).await;
        assert_eq!(documents.len() as u64, round + 1, "only the winner's document is there");
        assert_eq!(checkpoint(&subject.store(), &id(1)).await, round + 1);
    }
}
