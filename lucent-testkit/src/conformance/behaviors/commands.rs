//! Command ids: the same one twice has one effect.

use bytes::Bytes;

use crate::conformance::vocabulary::*;

fn append_of(command: CommandId, events: Vec<NewEvent>) -> Append {
    let mut append = batch(vec![write("account-1", events)]);
    append.command = Some(command);
    append
}

async fn outcome_of(store: &Handle, command: CommandId) -> Option<Appended> {
    store.command_outcome(command).await.expect("outcomes are readable")
}

/// A repeated id writes nothing and gives the first position and versions.
pub async fn a_repeated_id_has_no_effect(subject: Subject) {
    let store = subject.store();
    let command = CommandId::new();
    let first = store.append(append_of(command, counted(2))).await.expect("the first one");
    assert!(!first.repeated);
    let second = store.append(append_of(command, counted(2))).await.expect("the second one");
    assert!(second.repeated, "the caller is told that it is a repetition");
    assert_eq!((second.position, &second.versions), (first.position, &first.versions));
    assert_eq!(store.log().await.len(), 2);
}

/// The first outcome is given also after others have written.
pub async fn the_first_outcome_is_given_later_too(subject: Subject) {
    let store = subject.store();
    let command = CommandId::new();
    let first = store.append(append_of(command, counted(2))).await.expect("the first one");
    store.write("account-1", counted(5)).await;
    store.write("account-2", counted(5)).await;
    let again = store.append(append_of(command, counted(1))).await.expect("a repetition");
    assert_eq!((again.position, again.versions), (first.position, first.versions));
    assert_eq!(store.version_of("account-1").await, 7);
}

/// The reply is kept with the id, byte by byte, and given back with the outcome.
pub async fn the_reply_is_given_back(subject: Subject) {
    let store = subject.store();
    let command = CommandId::new();
    let reply = Bytes::from_static(b"{\"number\": 42, \"text\":\"\xc3\xbc\"}");
    let mut append = append_of(command, counted(1));
    append.reply = Some(reply.clone());
    store.append(append).await.expect("the first one");
    let mut other = append_of(command, counted(1));
    other.reply = Some(Bytes::from_static(b"\"another\""));
    let again = store.append(other).await.expect("a repetition");
    assert_eq!(again.reply, Some(reply.clone()));
    assert_eq!(outcome_of(&store, command).await.expect("it was kept").reply, Some(reply));
}

/// A repeated id is recognized before anything else is checked.
pub async fn a_repetition_is_not_a_conflict(subject: Subject) {
    let store = subject.store();
    let command = CommandId::new();
    let mut append = append_of(command, counted(1));
    append.writes[0].expected = ExpectedVersion::NoStream;
    store.append(append.clone()).await.expect("the first one");
    let again = store.append(append).await.expect("a repetition is no conflict");
    assert!(again.repeated);
    assert_eq!(store.version_of("account-1").await, 1);
}

/// An append that was refused has not used up its id.
pub async fn a_refused_append_keeps_its_id_free(subject: Subject) {
    let store = subject.store();
    let command = CommandId::new();
    let mut append = append_of(command, counted(1));
    append.writes[0].expected = exact(5);
    refused(store.append(append).await);
    assert_eq!(outcome_of(&store, command).await, None);
    let outcome = store.append(append_of(command, counted(1))).await;
    assert!(!outcome.expect("it was never done").repeated);
    assert_eq!(store.version_of("account-1").await, 1);
}

/// The outcome can be asked for; an unknown id has none.
pub async fn the_outcome_can_be_asked_for(subject: Subject) {
    let store = subject.store();
    let (known, unknown) = (CommandId::new(), CommandId::new());
    let first = store.append(append_of(known, counted(3))).await.expect("the first one");
    assert_eq!(outcome_of(&store, unknown).await, None);
    let outcome = outcome_of(&store, known).await.expect("it was kept");
    assert!(outcome.repeated);
    assert_eq!((outcome.position, outcome.versions), (first.position, first.versions));
    assert_eq!(outcome.reply, None);
}

/// A command without events is done, too: its id and its reply are kept.
pub async fn an_append_without_events_is_remembered(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(2)).await;
    let command = CommandId::new();
    let mut append = append_of(command, Vec::new());
    append.reply = Some(Bytes::from_static(b"\"nothing to do\""));
    let first = store.append(append).await.expect("the first one");
    assert!(!first.repeated);
    let again = store.append(append_of(command, counted(1))).await.expect("a repetition");
    assert!(again.repeated);
    assert_eq!((again.position, again.versions), (first.position, vec![Version::new(2)]));
    assert_eq!(again.reply.as_deref(), Some(&b"\"nothing to do\""[..]));
    assert_eq!(store.version_of("account-1").await, 2);
}

/// Different ids have different outcomes; appends without an id are never repetitions.
pub async fn ids_do_not_meet(subject: Subject) {
    let store = subject.store();
    for version in 1..=3 {
        let outcome = store.append(append_of(CommandId::new(), counted(1))).await;
        let outcome = outcome.expect("a new id");
        assert_eq!((outcome.repeated, outcome.versions), (false, vec![Version::new(version)]));
    }
    for version in 4..=6 {
        let outcome = store.write("account-1", counted(1)).await;
        assert_eq!((outcome.repeated, outcome.versions), (false, vec![Version::new(version)]));
    }
}

/// Of racing appends with one id, one writes and all get its outcome.
pub async fn racing_repetitions_have_one_effect(subject: Subject) {
    for _ in 0..10 {
        let before = subject.store().version_of("account-1").await;
        let command = CommandId::new();
        let outcomes = race((0..8).map(|_| {
            let store = subject.store();
            async move { store.append(append_of(command, counted(2))).await }
        }))
        .await;
        let outcomes: Vec<Appended> =
            outcomes.into_iter().map(|outcome| outcome.expect("no repetition fails")).collect();
        let first = outcomes.iter().filter(|outcome| !outcome.repeated).count();
        assert_eq!(first, 1, "{first} of 8 repetitions were the first");
        assert!(outcomes.iter().all(|outcome| outcome.position == outcomes[0].position));
        assert!(outcomes.iter().all(|outcome| outcome.versions == outcomes[0].versions));
        assert_eq!(subject.store().version_of("account-1").await, before + 2);
    }
}
