//! Commands that share an append: each has an outcome of its own, and none happens twice.

use bytes::Bytes;
use lucent_core::store::JoinedCommand;

use crate::conformance::vocabulary::*;

fn joined(id: CommandId, events: usize, reply: &'static str) -> JoinedCommand {
    JoinedCommand { id, events, reply: Some(Bytes::from_static(reply.as_bytes())) }
}

/// An append of so many events that these commands share.
fn shared(name: &str, events: usize, commands: Vec<JoinedCommand>) -> Append {
    Append { joined: commands, ..batch(vec![write(name, counted(events))]) }
}

fn ids_of<const N: usize>() -> [CommandId; N] {
    std::array::from_fn(|_| CommandId::new())
}

async fn outcome_of(store: &Handle, id: CommandId) -> Option<Appended> {
    store.command_outcome(id).await.expect("outcomes are readable")
}

async fn is_free(store: &Handle, id: CommandId) {
    assert_eq!(outcome_of(store, id).await, None, "nothing was done, and {id} is known");
}

/// Each command has the version after its own events, its own reply, and the batch's position.
pub async fn each_has_an_outcome_of_its_own(subject: Subject) {
    let store = subject.store();
    store.write("a-1", counted(3)).await;
    let [first, empty, last] = ids_of();
    let commands = vec![joined(first, 2, "1"), joined(empty, 2, "\"ü\""), joined(last, 5, "{}")];
    let done = store.append(shared("a-1", 5, commands)).await.expect("nothing is in the way");
    assert_eq!((done.repeated, &done.versions[..]), (false, &[Version::new(8)][..]));
    assert_eq!(done.position, store.head_position().await);
    for (id, version, reply) in [(first, 5, "1"), (empty, 5, "\"ü\""), (last, 8, "{}")] {
        let outcome = outcome_of(&store, id).await.expect("it was kept");
        assert_eq!(outcome.versions, [Version::new(version)]);
        assert_eq!((outcome.position, outcome.repeated), (done.position, true));
        assert_eq!(outcome.reply.as_deref(), Some(reply.as_bytes()));
    }
}

/// A command that shared an append has no effect when it comes again alone, and gives its outcome.
pub async fn one_that_comes_again_alone_gives_its_outcome(subject: Subject) {
    let store = subject.store();
    let [first, last] = ids_of();
    let commands = vec![joined(first, 1, "1"), joined(last, 3, "3")];
    let done = store.append(shared("a-1", 3, commands)).await.expect("nothing is in the way");
    store.write("a-1", counted(4)).await;
    let again = Append { command: Some(first), ..batch(vec![write("a-1", counted(1))]) };
    let again = store.append(again).await.expect("a repetition");
    assert!(again.repeated, "the caller is told that it is a repetition");
    assert_eq!((again.position, &again.versions[..]), (done.position, &[Version::new(1)][..]));
    assert_eq!(again.reply.as_deref(), Some(&b"1"[..]));
    assert_eq!(store.version_of("a-1").await, 7);
}

/// If one of the commands is known, nothing is written, and the error names it.
pub async fn a_known_one_refuses_the_batch(subject: Subject) {
    let store = subject.store();
    let [alone, shares, new, newer] = ids_of();
    let append = Append { command: Some(alone), ..batch(vec![write("a-1", counted(1))]) };
    store.append(append).await.expect("nothing is in the way");
    let commands = vec![joined(shares, 1, "1")];
    store.append(shared("a-1", 1, commands)).await.expect("nothing is in the way");
    for known in [alone, shares] {
        let commands = vec![joined(new, 1, "1"), joined(known, 2, "2"), joined(newer, 3, "3")];
        let error = refused(store.append(shared("a-2", 3, commands)).await);
        let AppendError::CommandKnown { command } = error else {
            panic!("a known command refuses the others: {error:?}")
        };
        assert_eq!(command, known);
        is_free(&store, new).await;
        is_free(&store, newer).await;
    }
    assert_eq!((store.version_of("a-1").await, store.version_of("a-2").await), (2, 0));
}

/// A known command is recognized before anything else is checked.
pub async fn a_known_one_is_not_a_conflict(subject: Subject) {
    let store = subject.store();
    let [known, new] = ids_of();
    let commands = vec![joined(known, 1, "1")];
    store.append(shared("a-1", 1, commands)).await.expect("nothing is in the way");
    let mut late = shared("a-1", 2, vec![joined(new, 1, "1"), joined(known, 2, "2")]);
    late.writes[0].expected = ExpectedVersion::NoStream;
    let error = refused(store.append(late).await);
    assert!(
        matches!(error, AppendError::CommandKnown { command } if command == known),
        "{error:?}"
    );
}

/// A batch that is refused leaves the ids of its commands free.
pub async fn a_refused_batch_keeps_the_ids_free(subject: Subject) {
    let store = subject.store();
    let [first, last] = ids_of();
    let commands = || vec![joined(first, 1, "1"), joined(last, 2, "2")];
    let mut early = shared("a-1", 2, commands());
    early.writes[0].expected = exact(7);
    let error = refused(store.append(early).await);
    assert!(error.is_conflict(), "{error:?}");
    is_free(&store, first).await;
    is_free(&store, last).await;
    let done = store.append(shared("a-1", 2, commands())).await.expect("nothing is in the way");
    assert!(!done.repeated);
}

/// Commands that do not fit the batch are refused as invalid.
pub async fn those_that_do_not_fit_are_refused(subject: Subject) {
    let store = subject.store();
    let [first, last] = ids_of();
    let mut two_writes = shared("a-1", 1, vec![joined(first, 1, "1")]);
    two_writes.writes.push(write("a-2", counted(1)));
    let no_write = Append { joined: vec![joined(first, 0, "1")], ..Append::default() };
    let twice = shared("a-1", 2, vec![joined(first, 1, "1"), joined(first, 2, "2")]);
    let too_many = shared("a-1", 1, vec![joined(first, 1, "1"), joined(last, 2, "2")]);
    let both = shared("a-1", 1, vec![joined(first, 1, "1")]);
    let both = Append { command: Some(last), ..both };
    for append in [two_writes, no_write, twice, too_many, both] {
        let what = format!("{append:?}");
        let error = refused(store.append(append).await);
        assert!(matches!(error, AppendError::Invalid { .. }), "{error:?} for {what}");
        is_free(&store, first).await;
        is_free(&store, last).await;
    }
    assert_eq!(store.log().await, []);
}

/// Of many appends at the same time that share a command, in several instances, one is done.
pub async fn racing_batches_do_a_command_once(subject: Subject) {
    let stores = instances(&subject, 2).await;
    for round in 0..5 {
        let [contested] = ids_of();
        let outcomes = race((0..8).map(|racer| {
            let store = stores[racer % stores.len()].clone();
            async move {
                let name = format!("a-{round}-{racer}");
                let [own] = ids_of();
                let commands = vec![joined(own, 1, "1"), joined(contested, 2, "2")];
                (own, store.append(shared(&name, 2, commands)).await)
            }
        }));
        let mut winners = 0;
        for (own, outcome) in outcomes.await {
            match outcome {
                Ok(appended) => {
                    winners += 1;
                    assert!(!appended.repeated);
                }
                Err(AppendError::CommandKnown { command }) => {
                    assert_eq!(command, contested);
                    is_free(&stores[0], own).await;
                }
                Err(error) => panic!("another command is no reason for {error:?}"),
            }
        }
        assert_eq!(winners, 1, "one of the racers does the command");
    }
    assert_eq!(subject.store().log().await.len(), 10);
}
