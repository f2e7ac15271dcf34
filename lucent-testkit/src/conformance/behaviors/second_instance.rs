//! Two instances on the same data are one store.

use std::time::Duration;

use crate::conformance::vocabulary::*;

/// What one instance wrote, the other reads at once.
pub async fn each_sees_the_others_events(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    for round in 1..=5 {
        let appended = one.write("a-1", counted(1)).await;
        assert_eq!(other.head_position().await, appended.position);
        other.write("a-1", counted(1)).await;
        assert_eq!(one.version_of("a-1").await, 2 * round);
    }
    assert_eq!(one.log().await, other.log().await);
}

/// Expected versions hold across instances.
pub async fn versions_are_checked_across_instances(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    one.write("a-1", counted(2)).await;
    let error = refused(other.try_write("a-1", exact(1), counted(1)).await);
    assert!(error.is_conflict(), "{error:?}");
    let outcome = other.try_write("a-1", exact(2), counted(1)).await;
    assert_eq!(outcome.expect("the version is right").versions, [Version::new(3)]);
    let error = refused(one.try_write("a-1", exact(2), counted(1)).await);
    assert!(error.is_conflict(), "{error:?}");
}

/// Command ids hold across instances.
pub async fn commands_are_known_across_instances(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    let mut append = batch(vec![write("a-1", counted(1))]);
    append.command = Some(CommandId::new());
    let first = one.append(append.clone()).await.expect("the first one");
    let again = other.append(append).await.expect("a repetition");
    assert!(again.repeated);
    assert_eq!(again.position, first.position);
}

/// An append of one instance ends the wait of another.
pub async fn a_wait_ends_across_instances(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    for _ in 0..3 {
        let head = other.head_position().await;
        let waiting = other.wait_past(head);
        let (woken, appended) = patiently("waiting for another instance", async {
            futures::join!(waiting, one.write("a-1", counted(1)))
        })
        .await;
        assert_eq!(woken.expect("waiting succeeds"), appended.position);
    }
}

/// Checkpoints hold across instances: who lost its place cannot move them.
pub async fn checkpoints_are_checked_across_instances(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    let commit =
        ProjectionCommit::new(ProjectionId::new("accounts", 1), Position::ZERO, Position::new(3));
    one.commit_projection(commit.clone()).await.expect("the step is taken");
    let outcome = other.commit_projection(commit).await;
    assert!(matches!(outcome, Err(CommitError::CheckpointMoved { .. })), "{outcome:?}");
}

/// What one instance parks and releases counts for the other.
pub async fn parked_events_are_shared_by_instances(subject: Subject) {
    let (first, second) = (subject.store(), subject.second().await);
    let projection = ProjectionId::new("accounts", 1);
    let key = ParkedKey::from("a");
    let (start, position) = (Position::ZERO, Position::new(3));
    let park = ParkedChange::Park(ParkedEvent {
        key: key.clone(),
        position,
        stream: stream("account-1"),
        event_type: "Happened".to_owned(),
        reason: None,
    });
    let step = ProjectionCommit::new(projection.clone(), start, position);
    let parks = ProjectionCommit { parked: vec![park], ..step };
    first.commit_projection(parks).await.expect("the step starts from zero");
    let found = second.parked(&projection).await.expect("what is parked is readable");
    assert_eq!((found.revision, found.lines.len()), (1, 1));
    let step = ProjectionCommit::new(projection.clone(), position, position);
    let release = vec![ParkedChange::Release { key, position }];
    let releases = ProjectionCommit { parked: release, revision: 1, ..step.clone() };
    second.commit_projection(releases.clone()).await.expect("nothing was changed in between");
    let stale = first.commit_projection(releases).await;
    assert!(matches!(stale, Err(CommitError::ParkedMoved { .. })), "{stale:?}");
    assert!(first.parked(&projection).await.expect("it is readable").lines.is_empty());
}

/// Leases hold across instances: one holder, and fences for all.
pub async fn leases_hold_across_instances(subject: Subject) {
    let (one, other) = (subject.store(), subject.second().await);
    let hour = Duration::from_secs(3_600);
    let ask = async |store: &Handle, holder, duration| {
        store.acquire_lease("jobs", holder, duration).await.expect("leases can be asked for")
    };
    let LeaseOutcome::Granted(fence) = ask(&one, "a", hour).await else { panic!("it is free") };
    let refused = ask(&other, "b", hour).await;
    assert!(matches!(refused, LeaseOutcome::Held(held) if held.fence == fence));
    ask(&one, "a", Duration::ZERO).await;
    let LeaseOutcome::Granted(taken) = ask(&other, "b", hour).await else { panic!("it is over") };
    assert!(taken.token > fence.token);
    let projection = ProjectionId::new("accounts", 1);
    let step = ProjectionCommit::new(projection, Position::ZERO, Position::new(3));
    let step = |fence| ProjectionCommit { fence: Some(fence), ..step.clone() };
    let stale = one.commit_projection(step(fence)).await;
    assert!(matches!(stale, Err(CommitError::LeaseLost { .. })), "{stale:?}");
    one.commit_projection(step(taken)).await.expect("the fence is the current one");
}

/// Writers of two instances get one order without a gap, and lose nothing.
pub async fn racing_instances_lose_nothing(subject: Subject) {
    let second = subject.second().await;
    race((0..8).map(|writer| {
        let store = if writer % 2 == 0 { subject.store() } else { second.clone() };
        async move {
            for _ in 0..20 {
                store.write("shared-1", counted(2)).await;
            }
        }
    }))
    .await;
    let expected: Vec<u64> = (1..=320).collect();
    assert_eq!(versions(&subject.store().stream("shared-1").await), expected);
    assert_eq!(second.log().await, subject.store().log().await);
}
