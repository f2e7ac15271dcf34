//! Appends, their outcomes, and what reads back.

use bytes::Bytes;
use futures::future::join_all;
use lucent_core::{
    CommandId, Payload, Position, Version,
    store::{
        Append, AppendCondition, AppendError, EventFilter, EventQuery, EventStore as _,
        ExpectedVersion, QueryItem, StoreError, StreamWrite, VersionConflict,
    },
};

use crate::support::{Folder, event, events, log, one, positions, read, stream, tag};

#[tokio::test]
async fn an_event_reads_back_with_every_field() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut binary = event("Uploaded", &[]);
    binary.payload = Payload::binary(vec![0, 255, 1]);
    let written = vec![event("Deposited", &["user:anna", "ü:1"]), binary];
    let append = Append::one(stream("account-1"), ExpectedVersion::NoStream, written.clone());
    let done = store.append(append).await.unwrap();
    assert_eq!(done.position, Position::new(2));
    assert_eq!(done.versions, [Version::new(2)]);
    assert!(!done.repeated);
    let expected: Vec<_> = (1..)
        .zip(written)
        .map(|(number, event)| {
            let (version, position) = (Version::new(number), Position::new(number));
            event.into_recorded(stream("account-1"), version, position)
        })
        .collect();
    assert_eq!(read(&store, "account-1").await, expected);
    assert_eq!(log(&store, EventFilter::all()).await, expected);
    store.close().await;
    assert_eq!(log(&folder.open().await, EventFilter::all()).await, expected);
}

#[tokio::test]
async fn expected_versions_are_checked_and_losers_take_no_position() {
    let folder = Folder::new();
    let store = folder.open().await;
    let refused = |outcome: Result<_, AppendError>| match outcome {
        Err(AppendError::Conflict(conflict)) => conflict,
        other => panic!("{other:?}"),
    };
    let exists = store.append(one("a", ExpectedVersion::StreamExists)).await;
    assert!(matches!(refused(exists), VersionConflict::StreamMissing { .. }));
    store.append(one("a", ExpectedVersion::NoStream)).await.unwrap();
    let new = store.append(one("a", ExpectedVersion::NoStream)).await;
    assert!(matches!(refused(new), VersionConflict::StreamExists { .. }));
    let exact = store.append(one("a", ExpectedVersion::Exact(Version::new(5)))).await;
    assert_eq!(
        refused(exact),
        VersionConflict::WrongVersion {
            stream: stream("a"),
            expected: Version::new(5),
            found: Version::new(1),
        }
    );
    store.append(one("a", ExpectedVersion::Exact(Version::new(1)))).await.unwrap();
    store.append(one("b", ExpectedVersion::Any)).await.unwrap();
    assert_eq!(positions(&log(&store, EventFilter::all()).await), [1, 2, 3]);
}

#[tokio::test]
async fn each_append_of_a_group_commit_has_its_own_outcome() {
    let folder = Folder::new();
    let store = folder.open().await;
    let appends = (0..400).map(|number| {
        let name = format!("s-{}", number % 100);
        let store = store.clone();
        async move { store.append(one(&name, ExpectedVersion::NoStream)).await }
    });
    let outcomes = join_all(appends).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let lost = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(error) if error.is_conflict()))
        .count();
    assert_eq!((won, lost), (100, 300));
    let all = log(&store, EventFilter::all()).await;
    assert_eq!(positions(&all), (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn several_streams_are_written_together_or_not_at_all() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("b", ExpectedVersion::Any)).await.unwrap();
    let write = |name: &str, expected, count| StreamWrite {
        stream: stream(name),
        expected,
        events: events(count),
    };
    let both = |b| Append {
        writes: vec![
            write("a", ExpectedVersion::NoStream, 2),
            write("b", b, 1),
            write("c", ExpectedVersion::NoStream, 0),
        ],
        ..Append::default()
    };
    let error = store.append(both(ExpectedVersion::NoStream)).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(store.stream_version(&stream("a")).await.unwrap(), Version::ZERO);
    let done = store.append(both(ExpectedVersion::StreamExists)).await.unwrap();
    assert_eq!(done.versions, [Version::new(2), Version::new(2), Version::ZERO]);
    assert_eq!(done.position, Position::new(4));
    let twice = Append {
        writes: vec![write("x", ExpectedVersion::Any, 1), write("x", ExpectedVersion::Any, 1)],
        ..Append::default()
    };
    let error = store.append(twice).await.unwrap_err();
    assert!(matches!(error, AppendError::Invalid { .. }));
}

#[tokio::test]
async fn an_empty_append_is_a_normal_outcome() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.append(one("a", ExpectedVersion::Any)).await.unwrap();
    let done = store.append(Append::default()).await.unwrap();
    assert_eq!((done.position, done.versions), (Position::new(1), vec![]));
}

#[tokio::test]
async fn a_repeated_command_gives_the_first_outcome() {
    let folder = Folder::new();
    let store = folder.open().await;
    let command = CommandId::new();
    let append = || Append {
        command: Some(command),
        reply: Some(Bytes::from_static(b"\"ok\"")),
        ..one("a", ExpectedVersion::NoStream)
    };
    let outcomes = join_all((0..8).map(|_| store.append(append()))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.repeated).count(), 1);
    for outcome in &outcomes {
        assert_eq!(outcome.position, Position::new(1));
        assert_eq!(outcome.versions, [Version::new(1)]);
        assert_eq!(outcome.reply.as_deref(), Some(&b"\"ok\""[..]));
    }
    let known = store.command_outcome(command).await.unwrap().unwrap();
    assert_eq!((known.position, known.repeated), (Position::new(1), true));
    assert_eq!(store.command_outcome(CommandId::new()).await.unwrap(), None);
    store.close().await;
    let store = folder.open().await;
    let again = Append { command: Some(command), ..one("other", ExpectedVersion::Any) };
    assert!(store.append(again).await.unwrap().repeated);
    assert_eq!(log(&store, EventFilter::all()).await.len(), 1);
}

#[tokio::test]
async fn each_of_many_appends_is_answered_also_while_the_store_closes() {
    let folder = Folder::new();
    let store = folder.open().await;
    let appends = (0..500).map(|number| {
        let store = store.clone();
        async move {
            match store.append(one(&format!("s-{number}"), ExpectedVersion::NoStream)).await {
                Ok(_) => 1,
                Err(AppendError::Store(StoreError::Closed { .. })) => 0,
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    // Half of them come before the store is told to close, half after it.
    let mut early: Vec<_> = appends.collect();
    let late = early.split_off(250);
    let (early, (), late) =
        futures::future::join3(join_all(early), store.close(), join_all(late)).await;
    assert_eq!(early.iter().sum::<usize>(), 250);
    assert_eq!(late.iter().sum::<usize>(), 0);
    assert_eq!(log(&folder.open().await, EventFilter::all()).await.len(), 250);
}

#[tokio::test]
async fn a_refused_command_can_be_sent_again() {
    let folder = Folder::new();
    let store = folder.open().await;
    let command = Some(CommandId::new());
    let refused = Append { command, ..one("a", ExpectedVersion::StreamExists) };
    store.append(refused).await.unwrap_err();
    let again = Append { command, ..one("a", ExpectedVersion::NoStream) };
    assert!(!store.append(again).await.unwrap().repeated);
}

#[tokio::test]
async fn conditions_agree_with_the_definition_of_queries() {
    let folder = Folder::new();
    let store = folder.open().await;
    let sets: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];
    for number in 0..24 {
        let event_type = ["X", "Y", "Z"][number % 3];
        let new = event(event_type, sets[(number / 3) % 4]);
        let append = Append::one(stream("s"), ExpectedVersion::Any, vec![new]);
        store.append(append).await.unwrap();
    }
    let all = log(&store, EventFilter::all()).await;
    for query in queries() {
        let wanted: Vec<_> = all
            .iter()
            .filter(|event| query.matches(&event.event_type, &event.tags))
            .cloned()
            .collect();
        assert_eq!(log(&store, query.clone().into()).await, wanted, "{query:?}");
        for after in [0, 1, 7, 12, 20, 23, 24, 99] {
            let first = wanted.iter().map(|event| event.position).find(|p| p.get() > after);
            let condition = AppendCondition { query: query.clone(), after: Position::new(after) };
            // No events, so that the log stays as it is.
            let outcome =
                store.append(Append { condition: Some(condition), ..Append::default() }).await;
            match (first, outcome) {
                (None, Ok(_)) => {}
                (Some(first), Err(AppendError::ConditionFailed { found, .. })) => {
                    assert_eq!(found, first, "{query:?} after {after}");
                }
                other => panic!("{query:?} after {after}: {other:?}"),
            }
        }
    }
}

fn queries() -> Vec<EventQuery> {
    let item = |types: &[&'static str], tags: &[&str]| QueryItem {
        types: types.iter().map(|&name| name.into()).collect(),
        tags: tags.iter().map(|text| tag(text)).collect(),
    };
    let single = [
        item(&[], &[]),
        item(&["X"], &[]),
        item(&["X", "Z"], &[]),
        item(&[], &["a"]),
        item(&[], &["a", "b"]),
        item(&["Y"], &["b", "a"]),
        item(&["Y", "X"], &["b"]),
        item(&["nothing"], &[]),
        item(&[], &["nothing"]),
    ];
    let mut queries = vec![EventQuery::All, EventQuery::AnyOf(Vec::new())];
    for left in &single {
        for right in &single {
            queries.push(EventQuery::AnyOf(vec![left.clone(), right.clone()]));
        }
    }
    queries
}

#[tokio::test]
async fn conditions_see_earlier_winners_of_the_same_group_commit() {
    let folder = Folder::new();
    let store = folder.open().await;
    let claims = (0..50).map(|number| {
        let append = Append {
            condition: Some(AppendCondition {
                query: EventQuery::tags([tag("name:anna")]),
                after: Position::ZERO,
            }),
            ..Append::one(
                stream(&format!("claim-{number}")),
                ExpectedVersion::NoStream,
                vec![event("Claimed", &["name:anna"])],
            )
        };
        store.append(append)
    });
    let outcomes = join_all(claims).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn large_payloads_are_kept_and_too_large_ones_refused() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut large = event("Uploaded", &[]);
    large.payload = Payload::json(&"x".repeat(10 << 20)).unwrap();
    let payload = large.payload.clone();
    let append = Append::one(stream("s"), ExpectedVersion::Any, vec![large]);
    store.append(append.clone()).await.unwrap();
    assert_eq!(read(&store, "s").await[0].payload, payload);
    let strict =
        lucent_sqlite::SqliteStore::builder().max_payload(1_000).open(folder.path()).await.unwrap();
    let error = strict.append(append).await.unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { limit: 1_000, .. }));
}

#[tokio::test]
async fn json_that_is_not_utf8_is_refused() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut broken = event("Broken", &[]);
    broken.payload.data = Bytes::from_static(b"\"\xff\"");
    let append = Append::one(stream("s"), ExpectedVersion::Any, vec![broken]);
    let error = store.append(append).await.unwrap_err();
    assert!(matches!(error, AppendError::Invalid { .. }));
    assert!(error.to_string().contains("Broken"), "{error}");
    assert_eq!(store.head().await.unwrap(), Position::ZERO);
}
