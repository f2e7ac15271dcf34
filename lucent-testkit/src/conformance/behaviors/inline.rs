//! Inline projections: in the append, or not at all.

use crate::conformance::{
    tally::{counted_in, tally, tally_id},
    vocabulary::*,
};

fn appending(name: &str, events: Vec<NewEvent>) -> Append {
    let mut append = batch(vec![write(name, events)]);
    append.inline = inline(&[tally("inline")]);
    append
}

async fn append(store: &Handle, name: &str, events: Vec<NewEvent>) -> Appended {
    store.append(appending(name, events)).await.expect("the projection takes the events")
}

async fn checkpoint(store: &Handle, name: &str) -> Position {
    store.checkpoint(&tally_id(name)).await.expect("checkpoints are readable")
}

/// Who sees the events sees the read model with them, and the checkpoint is at the head.
pub async fn the_read_model_is_written_with_the_events(subject: Subject) {
    let store = subject.store();
    for (count, name) in [(1, "a-1"), (1, "b-1"), (2, "a-1"), (3, "a-1")] {
        let appended = append(&store, name, counted(1)).await;
        let expected = Some((count, appended.position.get()));
        assert_eq!(counted_in(&store, "inline", name).await, expected);
        assert_eq!(checkpoint(&store, "inline").await, appended.position);
    }
}

/// Several events of one append are projected in order, each once.
pub async fn every_event_of_a_batch_is_projected_once(subject: Subject) {
    let store = subject.store();
    let appended = append(&store, "a-1", counted(5)).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((5, appended.position.get())));
    let mut events = counted(2);
    events.insert(1, event("Cleared"));
    append(&store, "a-1", events).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await.map(|(count, _)| count), Some(1));
}

/// A projection can remove a document.
pub async fn a_document_can_be_removed(subject: Subject) {
    let store = subject.store();
    append(&store, "a-1", counted(2)).await;
    append(&store, "a-1", vec![event("Cleared")]).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await, None);
    let page = store.document_page(&tally_id("inline"), None, 10).await;
    assert!(page.expect("documents are readable").is_empty());
}

/// Events that a projection does not want move its checkpoint.
pub async fn unwanted_events_move_the_checkpoint(subject: Subject) {
    let store = subject.store();
    append(&store, "a-1", counted(1)).await;
    let appended = append(&store, "a-1", vec![event("Unwanted")]).await;
    assert_eq!(checkpoint(&store, "inline").await, appended.position);
    assert_eq!(counted_in(&store, "inline", "a-1").await.map(|(count, _)| count), Some(1));
}

/// An error of a projection refuses the append: no event, no document, no checkpoint.
pub async fn an_error_refuses_the_append(subject: Subject) {
    let store = subject.store();
    let before = append(&store, "a-1", counted(1)).await.position;
    let mut events = counted(2);
    events.push(event("Poison"));
    match refused(store.append(appending("a-1", events)).await) {
        AppendError::Projection(error) => {
            assert_eq!((&*error.event_type, error.projection), ("Poison", tally_id("inline")));
            assert_eq!(error.stream, stream("a-1"));
        }
        other => panic!("the projection's error must be given: {other:?}"),
    }
    assert_eq!(store.head_position().await, before);
    assert_eq!(store.version_of("a-1").await, 1);
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((1, before.get())));
    assert_eq!(checkpoint(&store, "inline").await, before);
}

/// After a refused append, the next one succeeds.
pub async fn only_the_failing_append_fails(subject: Subject) {
    let store = subject.store();
    refused(store.append(appending("a-1", vec![event("Poison")])).await);
    let appended = append(&store, "a-1", counted(1)).await;
    assert_eq!(appended.versions, [Version::new(1)]);
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((1, appended.position.get())));
}

/// Among appends at the same time, one that fails takes no other with it.
pub async fn a_failing_append_spares_its_neighbors(subject: Subject) {
    let outcomes = race((0..24).map(|writer| {
        let store = subject.store();
        async move {
            let mut events = counted(2);
            if writer % 3 == 0 {
                events.push(event("Poison"));
            }
            let name = format!("a-{}", writer % 4);
            (writer % 3 == 0, store.append(appending(&name, events)).await)
        }
    }))
    .await;
    for (poisoned, outcome) in outcomes {
        assert_eq!(poisoned, outcome.is_err(), "{outcome:?}");
    }
    let store = subject.store();
    assert_eq!(store.log().await.len(), 32);
    let mut total = 0;
    for number in 0..4 {
        let name = format!("a-{number}");
        let count = counted_in(&store, "inline", &name).await.map_or(0, |(count, _)| count);
        assert_eq!(count, store.version_of(&name).await);
        total += count;
    }
    assert_eq!(total, 32);
    assert_eq!(checkpoint(&store, "inline").await, store.head_position().await);
}

/// A projection that is behind the log catches up within the append.
pub async fn a_projection_that_is_behind_catches_up(subject: Subject) {
    let store = subject.store();
    append(&store, "a-1", counted(1)).await;
    store.write("a-1", counted(3)).await;
    store.write("b-1", counted(1)).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await.map(|(count, _)| count), Some(1));
    let appended = append(&store, "a-1", counted(1)).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((5, appended.position.get())));
    assert_eq!(counted_in(&store, "inline", "b-1").await.map(|(count, _)| count), Some(1));
    assert_eq!(checkpoint(&store, "inline").await, appended.position);
}

/// A projection that is far behind catches up, too.
pub async fn a_projection_far_behind_catches_up(subject: Subject) {
    let store = subject.store();
    store.write("a-1", counted(5_000)).await;
    let appended = append(&store, "a-1", counted(1)).await;
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((5_001, appended.position.get())));
}

/// If one of several projections fails, none of them is written.
pub async fn several_projections_are_all_or_nothing(subject: Subject) {
    let store = subject.store();
    let both = |events| {
        let mut append = appending("a-1", events);
        append.inline = inline(&[tally("inline"), tally("other")]);
        append
    };
    // Only the second one meets the poison, in the past of the log.
    store.write("a-1", vec![event("Poison")]).await;
    let head = store.head_position().await;
    let skip = ProjectionCommit::new(tally_id("inline"), Position::ZERO, head);
    store.commit_projection(skip).await.expect("the step is taken");
    let error = refused(store.append(both(counted(1))).await);
    assert!(matches!(error, AppendError::Projection(_)), "{error:?}");
    assert_eq!(store.head_position().await, head);
    assert_eq!(counted_in(&store, "inline", "a-1").await, None);
    assert_eq!(checkpoint(&store, "inline").await, head);
    assert_eq!(checkpoint(&store, "other").await, Position::ZERO);
}

/// Each of several projections has documents and a checkpoint of its own.
pub async fn several_projections_are_apart(subject: Subject) {
    let store = subject.store();
    append(&store, "a-1", counted(2)).await;
    let mut both = appending("a-1", counted(1));
    both.inline = inline(&[tally("inline"), tally("late")]);
    let appended = store.append(both).await.expect("the projections take the events");
    for name in ["inline", "late"] {
        assert_eq!(counted_in(&store, name, "a-1").await, Some((3, appended.position.get())));
        assert_eq!(checkpoint(&store, name).await, appended.position);
    }
}

/// A repeated command is not projected again.
pub async fn a_repeated_command_is_not_projected(subject: Subject) {
    let store = subject.store();
    let mut command = appending("a-1", counted(2));
    command.command = Some(CommandId::new());
    for repeated in [false, true, true] {
        let outcome = store.append(command.clone()).await.expect("a repetition succeeds");
        assert_eq!(outcome.repeated, repeated);
        assert_eq!(counted_in(&store, "inline", "a-1").await.map(|(count, _)| count), Some(2));
    }
}

/// An append that is refused for its version is not projected.
pub async fn a_conflict_is_not_projected(subject: Subject) {
    let store = subject.store();
    let head = append(&store, "a-1", counted(1)).await.position;
    let mut stale = appending("a-1", counted(1));
    stale.writes[0].expected = exact(9);
    assert!(refused(store.append(stale).await).is_conflict());
    assert_eq!(counted_in(&store, "inline", "a-1").await, Some((1, head.get())));
    assert_eq!(checkpoint(&store, "inline").await, head);
}
