//! What was acknowledged is there after a restart.

use std::time::Duration;

use bytes::Bytes;

use crate::conformance::{
    Gap,
    tally::{counted_in, tally, tally_id},
    vocabulary::*,
};

/// Events are the same after a restart, to every reader.
pub async fn events_survive(mut subject: Subject) {
    subject.store().write("a-1", vec![tagged("Tagged", &["k:1"]), event("Plain")]).await;
    subject.store().write("b-1", counted(3)).await;
    let before = subject.store().log().await;
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(store.log().await, before);
    assert_eq!(store.stream("a-1").await, before[..2]);
    assert_eq!(store.find(EventQuery::tags(tags(&["k:1"]))).await, before[..1]);
    assert_eq!(store.head_position().await, before[4].position);
    assert_eq!(store.version_of("b-1").await, 3);
}

/// Positions and versions go on where they were.
pub async fn positions_and_versions_go_on(mut subject: Subject) {
    for round in 1..=3 {
        let before = subject.store().head_position().await;
        let outcome = subject.store().try_write("a-1", exact(round - 1), counted(1)).await;
        let appended = outcome.expect("the version is right");
        assert!(appended.position > before);
        assert_eq!(appended.versions, [Version::new(round)]);
        subject.reopen().await;
    }
    assert_eq!(versions(&subject.store().stream("a-1").await), [1, 2, 3]);
}

/// A writer's knowledge from before a restart is checked after it.
pub async fn expectations_are_checked_across_a_restart(mut subject: Subject) {
    subject.store().write("a-1", vec![tagged("Tagged", &["k:1"])]).await;
    subject.reopen().await;
    let store = subject.store();
    let error = refused(store.try_write("a-1", ExpectedVersion::NoStream, counted(1)).await);
    assert!(error.is_conflict(), "{error:?}");
    if subject.lacks(Gap::NoConditions) {
        return;
    }
    let mut append = batch(vec![write("b-1", counted(1))]);
    let query = EventQuery::tags(tags(&["k:1"]));
    append.condition = Some(AppendCondition { query, after: Position::ZERO });
    assert!(refused(store.append(append).await).is_conflict());
}

/// A command that was done before a restart is not done again after it.
pub async fn command_outcomes_survive(mut subject: Subject) {
    let mut append = batch(vec![write("a-1", counted(2))]);
    append.command = Some(CommandId::new());
    append.reply = Some(Bytes::from_static(b"42"));
    let first = subject.store().append(append.clone()).await.expect("the first one");
    subject.reopen().await;
    let again = subject.store().append(append).await.expect("a repetition");
    assert!(again.repeated);
    assert_eq!((again.position, again.versions), (first.position, first.versions));
    assert_eq!(again.reply.as_deref(), Some(&b"42"[..]));
    assert_eq!(subject.store().version_of("a-1").await, 2);
}

/// Documents, checkpoints and active versions survive together.
pub async fn read_models_survive(mut subject: Subject) {
    let projection = ProjectionId::new("accounts", 3);
    let document = Document { key: "a".into(), body: Bytes::from_static(b"[1]") };
    let commit = ProjectionCommit {
        changes: vec![DocumentChange::Put(document.clone())],
        activate: true,
        ..ProjectionCommit::new(projection.clone(), Position::ZERO, Position::new(5))
    };
    subject.store().commit_projection(commit.clone()).await.expect("the step is taken");
    subject.reopen().await;
    let store = subject.store();
    let page = store.document_page(&projection, None, 10).await;
    assert_eq!(page.expect("documents are readable"), [document]);
    let checkpoint = store.checkpoint(&projection).await;
    assert_eq!(checkpoint.expect("checkpoints are readable"), Position::new(5));
    let active = store.active_version("accounts").await;
    assert_eq!(active.expect("active versions are readable"), Some(3));
    let again = store.commit_projection(commit).await;
    assert!(matches!(again, Err(CommitError::CheckpointMoved { .. })), "{again:?}");
}

/// Parked events and their revision survive.
pub async fn parked_events_survive(mut subject: Subject) {
    let projection = ProjectionId::new("accounts", 3);
    let parked = ParkedEvent {
        key: "a".into(),
        position: Position::new(4),
        stream: stream("account-1"),
        event_type: "Happened".to_owned(),
        reason: Some("it fails".to_owned()),
    };
    let commit = ProjectionCommit {
        parked: vec![ParkedChange::Park(parked.clone())],
        ..ProjectionCommit::new(projection.clone(), Position::ZERO, Position::new(5))
    };
    subject.store().commit_projection(commit).await.expect("the step is taken");
    subject.reopen().await;
    let found = subject.store().parked(&projection).await.expect("what is parked is readable");
    let lines = vec![ParkedLine { first: parked, events: 1 }];
    assert_eq!(found, Parked { revision: 1, lines });
}

/// Leases survive with their holders and tokens.
pub async fn leases_survive(mut subject: Subject) {
    let hour = Duration::from_secs(3_600);
    let mut fences = Vec::new();
    for (name, duration) in [("jobs/1", hour), ("jobs/2", Duration::ZERO)] {
        let asked = subject.store().acquire_lease(name, "a", duration).await;
        match asked.expect("leases can be asked for") {
            LeaseOutcome::Granted(fence) => fences.push(fence),
            LeaseOutcome::Held(held) => panic!("nobody had it: {held:?}"),
        }
    }
    subject.reopen().await;
    let store = subject.store();
    let held = store.held_leases("").await.expect("leases are readable");
    let fence_of = |held: &HeldLease| held.fence.clone();
    assert_eq!(held.iter().map(fence_of).collect::<Vec<_>>(), fences[..1]);
    let taken = store.acquire_lease("jobs/2", "b", hour).await.expect("leases can be asked for");
    assert!(matches!(taken, LeaseOutcome::Granted(fence) if fence.token > fences[1].token));
    assert_eq!(store.renew_leases(&fences, hour).await.expect("it renews"), fences[1..]);
}

/// An inline projection goes on where it was.
pub async fn inline_projections_go_on(mut subject: Subject) {
    if subject.lacks(Gap::NoInlineProjections) {
        return Gap::NoInlineProjections.assert_refused(subject).await;
    }
    for round in 1..=3 {
        let mut append = batch(vec![write("a-1", counted(2))]);
        append.inline = inline(&[tally("inline")]);
        let appended = subject.store().append(append).await.expect("it is projected");
        subject.reopen().await;
        let expected = Some((2 * round, appended.position.get()));
        assert_eq!(counted_in(&subject.store(), "inline", "a-1").await, expected);
        let checkpoint = subject.store().checkpoint(&tally_id("inline")).await;
        assert_eq!(checkpoint.expect("checkpoints are readable"), appended.position);
    }
}

/// A follower that goes on after a restart misses nothing and sees nothing twice.
pub async fn a_follower_goes_on_after_a_restart(mut subject: Subject) {
    let mut seen = Vec::new();
    let mut through = Position::ZERO;
    for round in 1..=4 {
        subject.store().write("a-1", counted(round)).await;
        let read = LogRead::after(EventFilter::all(), through).limit(PageLimit::events(2));
        for page in subject.store().log_pages(read).await {
            through = page.through;
            seen.extend(ids(&page.events));
        }
        subject.reopen().await;
    }
    assert_eq!(seen, ids(&subject.store().log().await));
    assert_eq!(seen.len(), 10);
}

/// A refused append has left nothing that a restart could bring back.
pub async fn refused_appends_do_not_come_back(mut subject: Subject) {
    subject.store().write("a-1", counted(1)).await;
    refused(subject.store().try_write("a-1", exact(5), counted(3)).await);
    subject.reopen().await;
    assert_eq!(subject.store().log().await.len(), 1);
    assert_eq!(subject.store().version_of("a-1").await, 1);
}
