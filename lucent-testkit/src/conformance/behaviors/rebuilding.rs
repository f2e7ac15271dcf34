//! What a rebuild asks of a store: a list of versions, and putting what was built into its place, or
//! into the places of a whole and its parts.

use std::time::Duration;

use crate::conformance::vocabulary::*;

fn place() -> ProjectionId {
    ProjectionId::new("accounts", 1)
}

fn built() -> ProjectionId {
    ProjectionId::new("rebuild:accounts", 1)
}

fn put(key: &str, body: &'static str) -> DocumentChange {
    DocumentChange::Put(Document { key: key.into(), body: body.into() })
}

fn park(key: &str, position: u64) -> ParkedChange {
    ParkedChange::Park(ParkedEvent {
        key: key.into(),
        position: Position::new(position),
        stream: stream("account-1"),
        event_type: "Happened".to_owned(),
        reason: Some("it fails".to_owned()),
    })
}

fn step(projection: ProjectionId, from: u64, to: u64) -> ProjectionCommit {
    ProjectionCommit::new(projection, Position::new(from), Position::new(to))
}

async fn commit(store: &Handle, commit: ProjectionCommit) {
    store.commit_projection(commit).await.expect("the step starts from what is stored");
}

async fn replace(store: &Handle) -> Result<(), CommitError> {
    let only = Replacement { built: built(), place: place() };
    store.replace_projections(&[only], None).await
}

async fn versions(store: &Handle, name: &str) -> Vec<StoredVersion> {
    store.stored_versions(name).await.expect("versions are readable")
}

async fn documents(store: &Handle, projection: &ProjectionId) -> Vec<(String, String)> {
    let page = store.document_page(projection, None, 100).await.expect("documents are readable");
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    page.iter().map(|document| (document.key.to_string(), text(&document.body))).collect()
}

async fn checkpoint(store: &Handle, projection: &ProjectionId) -> u64 {
    store.checkpoint(projection).await.expect("checkpoints are readable").get()
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(key, body)| (key.to_owned(), body.to_owned())).into()
}

/// Both have documents, a checkpoint and parked events.
async fn both(store: &Handle) {
    let changes = vec![put("a", "1"), put("b", "1")];
    let parked = vec![park("x", 2), park("y", 3)];
    commit(store, ProjectionCommit { changes, parked, ..step(place(), 0, 5) }).await;
    let (changes, parked) = (vec![put("b", "2"), put("c", "2")], vec![park("y", 3)]);
    commit(store, ProjectionCommit { changes, parked, ..step(built(), 0, 7) }).await;
}

/// The versions of a projection are listed in their order, with checkpoints and the active one.
pub async fn stored_versions_are_listed(subject: Subject) {
    let store = subject.store();
    assert!(versions(&store, "accounts").await.is_empty());
    for (version, to) in [(2, 8), (10, 3), (1, 9)] {
        commit(&store, step(ProjectionId::new("accounts", version), 0, to)).await;
    }
    commit(&store, step(ProjectionId::new("accounts2", 4), 0, 1)).await;
    let second = ProjectionId::new("accounts", 2);
    commit(&store, ProjectionCommit { activate: true, ..step(second, 8, 8) }).await;
    let expected = [(1, 9, false), (2, 8, true), (10, 3, false)];
    let expected = expected.map(|(version, checkpoint, active)| StoredVersion {
        version,
        checkpoint: Position::new(checkpoint),
        active,
    });
    assert_eq!(versions(&store, "accounts").await, expected);
}

/// A dropped version is no longer listed.
pub async fn a_dropped_version_is_not_listed(subject: Subject) {
    let store = subject.store();
    for version in [1, 2] {
        commit(&store, step(ProjectionId::new("accounts", version), 0, 5)).await;
    }
    store.drop_projection(&place()).await.expect("versions are dropped");
    let left: Vec<_> = versions(&store, "accounts").await.iter().map(|it| it.version).collect();
    assert_eq!(left, [2]);
}

/// What was built takes the place with its documents, its checkpoint and its parked events.
pub async fn a_replacement_takes_everything_along(subject: Subject) {
    let store = subject.store();
    both(&store).await;
    replace(&store).await.expect("it is ahead");
    assert_eq!(documents(&store, &place()).await, texts([("b", "2"), ("c", "2")]));
    assert_eq!(checkpoint(&store, &place()).await, 7);
    let lines = store.parked(&place()).await.expect("what is parked is readable").lines;
    let keys: Vec<_> = lines.iter().map(|line| line.first.key.clone()).collect();
    assert_eq!(keys, [ParkedKey::from("y")]);
}

/// After a replacement nothing is left under the name that it was built under.
pub async fn a_replacement_leaves_nothing_behind(subject: Subject) {
    let store = subject.store();
    both(&store).await;
    replace(&store).await.expect("it is ahead");
    assert_eq!(checkpoint(&store, &built()).await, 0);
    assert!(documents(&store, &built()).await.is_empty());
    let parked = store.parked(&built()).await.expect("what is parked is readable");
    assert_eq!(parked, Parked::default());
    assert!(versions(&store, "rebuild:accounts").await.is_empty());
    commit(&store, ProjectionCommit { changes: vec![put("z", "3")], ..step(built(), 0, 1) }).await;
    assert_eq!(documents(&store, &place()).await, texts([("b", "2"), ("c", "2")]));
}

/// The version that queries are answered from stays the active one.
pub async fn a_replaced_version_stays_active(subject: Subject) {
    let store = subject.store();
    both(&store).await;
    commit(&store, ProjectionCommit { activate: true, revision: 1, ..step(place(), 5, 5) }).await;
    replace(&store).await.expect("it is ahead");
    let active = store.active_version("accounts").await.expect("active versions are readable");
    assert_eq!(active, Some(1));
    let other = store.active_version("rebuild:accounts").await;
    assert_eq!(other.expect("active versions are readable"), None);
}

/// What is behind the one in the place is refused, and nothing changes.
pub async fn a_replacement_that_is_behind_is_refused(subject: Subject) {
    let store = subject.store();
    both(&store).await;
    commit(&store, ProjectionCommit { revision: 1, ..step(place(), 5, 8) }).await;
    match replace(&store).await {
        Err(CommitError::CheckpointMoved { projection, expected, found }) => {
            assert_eq!((projection, expected.get(), found.get()), (built(), 8, 7));
        }
        other => panic!("it must be refused: {other:?}"),
    }
    assert_eq!(documents(&store, &place()).await, texts([("a", "1"), ("b", "1")]));
    assert_eq!(documents(&store, &built()).await, texts([("b", "2"), ("c", "2")]));
    assert_eq!(checkpoint(&store, &built()).await, 7);
}

/// A step of the replaced one that was planned before is refused, even if the checkpoints agree.
pub async fn a_step_planned_before_a_replacement_is_refused(subject: Subject) {
    let store = subject.store();
    let changes = || vec![put("a", "1")];
    commit(&store, ProjectionCommit { changes: changes(), ..step(place(), 0, 5) }).await;
    commit(&store, ProjectionCommit { changes: vec![put("a", "2")], ..step(built(), 0, 5) }).await;
    replace(&store).await.expect("it is as far");
    let stale = ProjectionCommit { changes: changes(), ..step(place(), 5, 6) };
    let outcome = store.commit_projection(stale).await;
    assert!(matches!(outcome, Err(CommitError::ParkedMoved { .. })), "{outcome:?}");
    assert_eq!(documents(&store, &place()).await, texts([("a", "2")]));
}

/// A projection goes on from where the replacement stands.
pub async fn steps_go_on_after_a_replacement(subject: Subject) {
    let store = subject.store();
    both(&store).await;
    replace(&store).await.expect("it is ahead");
    let revision = store.parked(&place()).await.expect("what is parked is readable").revision;
    let changes = vec![put("c", "3")];
    commit(&store, ProjectionCommit { changes, revision, ..step(place(), 7, 9) }).await;
    assert_eq!(documents(&store, &place()).await, texts([("b", "2"), ("c", "3")]));
    assert_eq!(checkpoint(&store, &place()).await, 9);
}

/// Two parts and the whole that has their documents, in the order in which they are replaced.
fn all() -> [Replacement; 3] {
    let ids = ["accounts#0", "accounts#1", "accounts"].map(|name| ProjectionId::new(name, 1));
    ids.map(|place| Replacement { built: place.rebuild(), place })
}

/// The parts of both have come this far, and have parked an event each.
async fn divided(store: &Handle, place_at: u64, built_at: u64) {
    for Replacement { built, place } in all() {
        let is_part = place.name.contains('#');
        for (id, at, body) in [(place, place_at, "1"), (built, built_at, "2")] {
            let parked = vec![park(if body == "1" { "old" } else { "new" }, 1)];
            let step = match is_part {
                true => ProjectionCommit { parked, ..step(id.clone(), 0, at) },
                false => {
                    let changes = ["a", "b", body].map(|key| put(key, body)).into();
                    ProjectionCommit { changes, ..step(id.clone(), 0, 0) }
                }
            };
            commit(store, step).await;
        }
    }
}

async fn keys(store: &Handle, projection: &ProjectionId) -> Vec<ParkedKey> {
    let lines = store.parked(projection).await.expect("what is parked is readable").lines;
    lines.into_iter().map(|line| line.first.key).collect()
}

/// Checks that the whole, the parts and what was built for them stand as they were made.
async fn none_is_replaced(store: &Handle, place_at: u64, built_at: u64) {
    let accounts = texts([("1", "1"), ("a", "1"), ("b", "1")]);
    assert_eq!(documents(store, &place()).await, accounts);
    for Replacement { built, place } in &all()[..2] {
        let found = [checkpoint(store, place).await, checkpoint(store, built).await];
        assert_eq!(found, [place_at, built_at], "{place}");
        assert_eq!(keys(store, place).await, [ParkedKey::from("old")], "{place}");
        assert_eq!(keys(store, built).await, [ParkedKey::from("new")], "{built}");
    }
}

/// Several replacements are made at once, each with its checkpoint, documents, parked events and a
/// new revision.
pub async fn several_replacements_take_their_places(subject: Subject) {
    let store = subject.store();
    divided(&store, 5, 7).await;
    let parts = &all()[..2];
    for part in parts {
        let active =
            ProjectionCommit { activate: true, revision: 1, ..step(part.place.clone(), 5, 5) };
        commit(&store, active).await;
    }
    store.replace_projections(&all(), None).await.expect("all are ahead");
    let accounts = texts([("2", "2"), ("a", "2"), ("b", "2")]);
    assert_eq!(documents(&store, &place()).await, accounts);
    for Replacement { built, place } in parts {
        assert_eq!(checkpoint(&store, place).await, 7, "{place}");
        assert_eq!(keys(&store, place).await, [ParkedKey::from("new")], "{place}");
        let active = store.active_version(&place.name).await;
        assert_eq!(active.expect("active versions are readable"), Some(1), "{place}");
        assert!(versions(&store, &built.name).await.is_empty(), "{built} is left behind");
        let stale = ProjectionCommit { revision: 1, ..step(place.clone(), 7, 8) };
        let outcome = store.commit_projection(stale).await;
        assert!(matches!(outcome, Err(CommitError::ParkedMoved { .. })), "{place}: {outcome:?}");
    }
}

/// If one of several is behind its place, none is replaced.
pub async fn several_replacements_are_refused_if_one_is_behind(subject: Subject) {
    let store = subject.store();
    divided(&store, 5, 7).await;
    let behind = all()[1].clone();
    let ahead = ProjectionCommit { revision: 1, ..step(behind.place.clone(), 5, 8) };
    commit(&store, ahead).await;
    match store.replace_projections(&all(), None).await {
        Err(CommitError::CheckpointMoved { projection, expected, found }) => {
            assert_eq!((projection, expected.get(), found.get()), (behind.built, 8, 7));
        }
        other => panic!("it must be refused: {other:?}"),
    }
    let back = ProjectionCommit { revision: 1, ..step(behind.place, 8, 5) };
    commit(&store, back).await;
    none_is_replaced(&store, 5, 7).await;
}

/// Without the lease that it names, a replacement is refused, and nothing changes.
pub async fn a_replacement_without_its_lease_is_refused(subject: Subject) {
    let store = subject.store();
    divided(&store, 5, 7).await;
    let hour = Duration::from_secs(3_600);
    let mut fences = Vec::new();
    for holder in ["one", "other"] {
        match store.acquire_lease("rebuild", holder, hour).await {
            Ok(LeaseOutcome::Granted(fence)) => fences.push(fence),
            other => panic!("it is free: {other:?}"),
        }
        if fences.len() == 1 {
            store.release_lease(&fences[0]).await.expect("leases can be released");
        }
    }
    match store.replace_projections(&all(), Some(&fences[0])).await {
        Err(CommitError::LeaseLost { lease, held_by, .. }) => {
            assert_eq!((&*lease, held_by.as_deref()), ("rebuild", Some("other")));
        }
        other => panic!("it must be refused: {other:?}"),
    }
    none_is_replaced(&store, 5, 7).await;
    let outcome = store.replace_projections(&all(), Some(&fences[1])).await;
    outcome.expect("the other one holds the lease");
    assert_eq!(checkpoint(&store, &all()[0].place).await, 7);
}

/// A replacement that is refused makes no version of what was never built.
pub async fn a_refused_replacement_leaves_nothing_behind(subject: Subject) {
    let store = subject.store();
    commit(&store, step(place(), 0, 5)).await;
    let outcome = replace(&store).await;
    assert!(matches!(outcome, Err(CommitError::CheckpointMoved { .. })), "{outcome:?}");
    assert!(versions(&store, &built().name).await.is_empty(), "something is left behind");
}

/// Who reads while several are replaced sees what was there, or what was built.
pub async fn readers_see_what_was_or_what_was_built(subject: Subject) {
    const ROUNDS: u64 = 20;
    let store = subject.store();
    divided(&store, 5, 7).await;
    let reader = async {
        loop {
            let found = documents(&store, &place()).await;
            let bodies: Vec<_> = found.iter().map(|(_, body)| body.as_str()).collect();
            let alike = bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]);
            assert!(alike, "it is neither the one nor the other: {found:?}");
            tokio::task::yield_now().await;
        }
    };
    let writer = async {
        for round in 0..ROUNDS {
            store.replace_projections(&all(), None).await.expect("none is behind");
            tokio::task::yield_now().await;
            let bodies = ["1", "2"];
            let body = bodies[usize::from(round % 2 == 1)];
            for Replacement { built, place } in all() {
                let at = checkpoint(&store, &place).await;
                let changes = match place.name.contains('#') {
                    true => Vec::new(),
                    false => ["a", "b", body].map(|key| put(key, body)).into(),
                };
                commit(&store, ProjectionCommit { changes, ..step(built, 0, at) }).await;
            }
        }
    };
    tokio::select! {
        () = reader => unreachable!("it reads on"),
        () = writer => {}
    }
}
