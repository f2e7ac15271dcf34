//! Parked events: they stand in lines, and move together with documents and checkpoint.

use bytes::Bytes;

use crate::conformance::vocabulary::*;

fn id(version: u32) -> ProjectionId {
    ProjectionId::new("accounts", version)
}

fn parked(key: impl Into<ParkedKey>, position: u64, reason: Option<&str>) -> ParkedEvent {
    ParkedEvent {
        key: key.into(),
        position: Position::new(position),
        stream: stream("account-1"),
        event_type: "Happened".to_owned(),
        reason: reason.map(str::to_owned),
    }
}

fn park(key: impl Into<ParkedKey>, position: u64, reason: Option<&str>) -> ParkedChange {
    ParkedChange::Park(parked(key, position, reason))
}

fn release(key: impl Into<ParkedKey>, position: u64) -> ParkedChange {
    ParkedChange::Release { key: key.into(), position: Position::new(position) }
}

/// A step that changes what is parked.
fn step(from: u64, to: u64, revision: u64, parked: Vec<ParkedChange>) -> ProjectionCommit {
    let (from, to) = (Position::new(from), Position::new(to));
    ProjectionCommit { parked, revision, ..ProjectionCommit::new(id(1), from, to) }
}

async fn commit(store: &Handle, commit: ProjectionCommit) {
    store.commit_projection(commit).await.expect("the step starts from what is stored");
}

async fn read(store: &Handle, projection: &ProjectionId) -> Parked {
    store.parked(projection).await.expect("what is parked is readable")
}

async fn line(store: &Handle, key: impl Into<ParkedKey>, limit: usize) -> Vec<ParkedEvent> {
    let line = store.parked_events(&id(1), &key.into(), limit).await;
    line.expect("parked events are readable")
}

async fn positions(store: &Handle, key: impl Into<ParkedKey>, limit: usize) -> Vec<u64> {
    line(store, key, limit).await.iter().map(|parked| parked.position.get()).collect()
}

async fn checkpoint(store: &Handle) -> u64 {
    store.checkpoint(&id(1)).await.expect("checkpoints are readable").get()
}

/// A projection that never ran has parked nothing, and its revision is zero.
pub async fn a_new_projection_has_parked_nothing(subject: Subject) {
    let store = subject.store();
    assert_eq!(read(&store, &id(1)).await, Parked::default());
    assert!(line(&store, "a", 10).await.is_empty());
    commit(&store, step(0, 5, 0, Vec::new())).await;
    assert_eq!(read(&store, &id(1)).await, Parked::default());
}

/// A parked event comes back with every field, also one that only waits.
pub async fn parked_events_come_back_with_every_field(subject: Subject) {
    let store = subject.store();
    let failed = ParkedEvent {
        key: "a".into(),
        position: Position::new(3),
        stream: stream("order-7"),
        event_type: "OrderPlaced".to_owned(),
        reason: Some("no such price".to_owned()),
    };
    let waiting = ParkedEvent { position: Position::new(4), reason: None, ..failed.clone() };
    let changes = [&failed, &waiting].map(|event| ParkedChange::Park(event.clone()));
    commit(&store, step(0, 5, 0, changes.into())).await;
    assert_eq!(line(&store, "a", 10).await, [failed.clone(), waiting]);
    let lines = read(&store, &id(1)).await.lines;
    assert_eq!(lines, [ParkedLine { first: failed, events: 2 }]);
}

/// Documents, parked events and the checkpoint change in one step.
pub async fn a_step_parks_and_moves_the_checkpoint(subject: Subject) {
    let store = subject.store();
    let put = |body: &'static str| {
        DocumentChange::Put(Document { key: "b".into(), body: Bytes::from_static(body.as_bytes()) })
    };
    let changes = vec![put("1")];
    commit(&store, ProjectionCommit { changes, ..step(0, 5, 0, vec![park("a", 3, Some("x"))]) })
        .await;
    assert_eq!((checkpoint(&store).await, positions(&store, "a", 9).await), (5, vec![3]));
    let changes = vec![put("2")];
    commit(&store, ProjectionCommit { changes, ..step(5, 5, 1, vec![release("a", 3)]) }).await;
    assert_eq!((checkpoint(&store).await, positions(&store, "a", 9).await), (5, vec![]));
    let found = store.documents(&id(1), &["b".into()]).await.expect("documents are readable");
    assert_eq!(found, [Some(Bytes::from_static(b"2"))]);
}

/// A step that is refused parks nothing and releases nothing.
pub async fn a_refused_step_parks_nothing(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![park("a", 3, Some("x"))])).await;
    let before = read(&store, &id(1)).await;
    let stale = step(4, 9, 1, vec![park("b", 7, Some("x")), release("a", 3)]);
    let outcome = store.commit_projection(stale).await;
    assert!(matches!(outcome, Err(CommitError::CheckpointMoved { .. })), "{outcome:?}");
    assert_eq!(read(&store, &id(1)).await, before);
}

/// A line is in the order of the log, in whatever order its events were parked.
pub async fn a_line_is_in_the_order_of_the_log(subject: Subject) {
    let store = subject.store();
    let first = [10, 9, 100].map(|position| park("a", position, None));
    commit(&store, step(0, 200, 0, first.into())).await;
    commit(&store, step(200, 200, 1, vec![park("a", 2, Some("the first"))])).await;
    assert_eq!(positions(&store, "a", 10).await, [2, 9, 10, 100]);
    let first = read(&store, &id(1)).await.lines.remove(0).first;
    assert_eq!((first.position.get(), first.reason.as_deref()), (2, Some("the first")));
}

/// A line is read from its start, as far as asked.
pub async fn a_line_is_read_from_its_start(subject: Subject) {
    let store = subject.store();
    let changes = (1..=2_000).map(|position| park("a", position, None)).collect();
    commit(&store, step(0, 2_000, 0, changes)).await;
    assert_eq!(positions(&store, "a", 3).await, [1, 2, 3]);
    assert_eq!(positions(&store, "a", 5_000).await, (1..=2_000).collect::<Vec<_>>());
    assert_eq!(read(&store, &id(1)).await.lines[0].events, 2_000);
}

/// Lines are in the order of the bytes of their keys, documents before streams.
pub async fn lines_are_in_the_order_of_their_keys(subject: Subject) {
    let store = subject.store();
    let documents = ["b", "B", "a-1", "a", "ä", "10", "9"].map(ParkedKey::from);
    let streams = ["b-1", "a-1", "B-1"].map(|name| ParkedKey::from(stream(name)));
    let mut keys: Vec<ParkedKey> = streams.into_iter().chain(documents).collect();
    let changes = (1..).zip(&keys).map(|(at, key)| park(key.clone(), at, Some("x"))).collect();
    commit(&store, step(0, 20, 0, changes)).await;
    let lines = read(&store, &id(1)).await.lines.into_iter();
    keys.sort();
    assert_eq!(lines.map(|line| line.first.key).collect::<Vec<_>>(), keys);
}

/// A document and a stream of one name have lines of their own.
pub async fn documents_and_streams_are_apart(subject: Subject) {
    let store = subject.store();
    let name = stream("account-1");
    let changes = vec![park("account-1", 3, Some("x")), park(name.clone(), 4, Some("y"))];
    commit(&store, step(0, 5, 0, changes)).await;
    assert_eq!(positions(&store, "account-1", 9).await, [3]);
    assert_eq!(positions(&store, name.clone(), 9).await, [4]);
    commit(&store, step(5, 5, 1, vec![release("account-1", 3), release("account-1", 4)])).await;
    assert_eq!(positions(&store, name, 9).await, [4]);
}

/// An event may stand in the lines of several keys, and leaves each for itself.
pub async fn an_event_may_stand_in_several_lines(subject: Subject) {
    let store = subject.store();
    let changes = ["a", "b", "c"].map(|key| park(key, 3, Some("x")));
    commit(&store, step(0, 5, 0, changes.into())).await;
    commit(&store, step(5, 5, 1, vec![release("b", 3)])).await;
    for (key, expected) in [("a", vec![3]), ("b", vec![]), ("c", vec![3])] {
        assert_eq!(positions(&store, key, 9).await, expected, "{key}");
    }
    assert_eq!(read(&store, &id(1)).await.lines.len(), 2);
}

/// An event that is parked again has the newer reason, and stands in its line once.
pub async fn parking_again_changes_the_reason(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![park("a", 3, None)])).await;
    for (revision, reason) in [(1, Some("first")), (2, Some("second")), (3, None)] {
        commit(&store, step(5, 5, revision, vec![park("a", 3, reason)])).await;
        assert_eq!(line(&store, "a", 9).await, [parked("a", 3, reason)]);
    }
}

/// An event that is released leaves its line; the last one takes the line with it.
pub async fn a_released_event_leaves_its_line(subject: Subject) {
    let store = subject.store();
    let changes = [1, 2, 3].map(|position| park("a", position, None));
    commit(&store, step(0, 5, 0, changes.into())).await;
    commit(&store, step(5, 5, 1, vec![release("a", 1), release("a", 3)])).await;
    assert_eq!(positions(&store, "a", 9).await, [2]);
    commit(&store, step(5, 5, 2, vec![release("a", 2)])).await;
    assert!(read(&store, &id(1)).await.lines.is_empty());
}

/// Releasing what is not parked is no error.
pub async fn releasing_nothing_is_no_error(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![release("a", 1)])).await;
    assert!(read(&store, &id(1)).await.lines.is_empty());
    assert_eq!(checkpoint(&store).await, 5);
}

/// A step that changes what is parked moves the revision on by one; others leave it.
pub async fn each_change_moves_the_revision(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![park("a", 1, None), park("b", 2, None)])).await;
    assert_eq!(read(&store, &id(1)).await.revision, 1);
    commit(&store, step(5, 6, 1, Vec::new())).await;
    assert_eq!(read(&store, &id(1)).await.revision, 1);
    commit(&store, step(6, 6, 1, vec![release("a", 1)])).await;
    assert_eq!(read(&store, &id(1)).await.revision, 2);
}

/// A step that was planned before what is parked was changed is refused as a whole.
pub async fn a_step_planned_before_a_change_is_refused(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![park("a", 1, None)])).await;
    for revision in [0, 2] {
        let changes = vec![DocumentChange::Put(Document { key: "a".into(), body: "9".into() })];
        let stale = step(5, 9, revision, vec![park("b", 7, None)]);
        let outcome = store.commit_projection(ProjectionCommit { changes, ..stale }).await;
        match outcome {
            Err(CommitError::ParkedMoved { projection }) => assert_eq!(projection, id(1)),
            other => panic!("a step of revision {revision} must be refused: {other:?}"),
        }
    }
    let found = store.documents(&id(1), &["a".into()]).await.expect("documents are readable");
    assert_eq!((checkpoint(&store).await, found), (5, vec![None]));
    assert!(line(&store, "b", 9).await.is_empty());
}

/// Of racing changes of what is parked, exactly one is made: no event is applied twice.
pub async fn exactly_one_of_racing_changes_wins(subject: Subject) {
    commit(&subject.store(), step(0, 5, 0, vec![park("a", 1, None)])).await;
    for round in 1..=10 {
        let outcomes = race((0..8).map(|worker| {
            let store = subject.store();
            let change = match worker % 2 {
                0 => park("a", 1, Some("x")),
                _ => release("a", 1),
            };
            async move { store.commit_projection(step(5, 5, round, vec![change])).await }
        }))
        .await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{won} of 8 changed what is parked");
        assert_eq!(read(&subject.store(), &id(1)).await.revision, round + 1);
    }
}

/// Versions of a projection have lines and revisions of their own.
pub async fn versions_have_lines_of_their_own(subject: Subject) {
    let store = subject.store();
    commit(&store, step(0, 5, 0, vec![park("a", 1, None)])).await;
    let other = ProjectionCommit { projection: id(2), ..step(0, 5, 0, vec![park("b", 2, None)]) };
    commit(&store, other).await;
    assert_eq!(positions(&store, "a", 9).await, [1]);
    assert!(line(&store, "b", 9).await.is_empty());
    let lines = read(&store, &id(2)).await.lines;
    assert_eq!(lines, [ParkedLine { first: parked("b", 2, None), events: 1 }]);
}

/// Dropping a version drops its lines, and those of no other.
pub async fn dropping_a_version_drops_its_lines(subject: Subject) {
    let store = subject.store();
    for version in [1, 2] {
        let parks = step(0, 5, 0, vec![park("a", 1, Some("x"))]);
        commit(&store, ProjectionCommit { projection: id(version), ..parks }).await;
    }
    store.drop_projection(&id(1)).await.expect("versions are dropped");
    assert_eq!(read(&store, &id(1)).await, Parked::default());
    commit(&store, step(0, 3, 0, Vec::new())).await;
    assert!(line(&store, "a", 9).await.is_empty(), "it comes back with the version");
    assert_eq!(read(&store, &id(2)).await.lines.len(), 1);
}

/// Keys, types and reasons of any script come back as they were.
pub async fn odd_texts_come_back(subject: Subject) {
    let store = subject.store();
    let texts = ["", " a ", "%'\"\\", "ä\u{301}🦀", "a\nb\tc", "null"];
    let events: Vec<_> = (1..)
        .zip(texts)
        .map(|(position, text)| ParkedEvent {
            event_type: format!("Type{text}"),
            ..parked(text, position, Some(text))
        })
        .collect();
    let changes = events.iter().cloned().map(ParkedChange::Park).collect();
    commit(&store, step(0, 20, 0, changes)).await;
    for event in events {
        assert_eq!(line(&store, event.key.clone(), 9).await, [event]);
    }
}
