//! Writers at the same time: exactly one wins, and nothing is lost.

use crate::conformance::vocabulary::*;

const WRITERS: usize = 8;

/// Lets writers append with one expectation, and counts those who won.
async fn winners(subject: &Subject, name: &str, expected: ExpectedVersion) -> usize {
    let outcomes = race((0..WRITERS).map(|_| {
        let (store, name) = (subject.store(), name.to_owned());
        async move { store.try_write(&name, expected, counted(2)).await }
    }))
    .await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(error, AppendError::Conflict(_)), "{error:?}");
    }
    won
}

/// Of writers at one exact version, exactly one wins; the others wrote nothing.
pub async fn exactly_one_writer_of_a_version_wins(subject: Subject) {
    for round in 0..15 {
        let won = winners(&subject, "a-1", exact(2 * round)).await;
        assert_eq!(won, 1, "{won} of {WRITERS} writers won");
        assert_eq!(subject.store().version_of("a-1").await, 2 * round + 2);
    }
    assert_eq!(subject.store().log().await.len(), 30);
}

/// Of writers who make a stream, exactly one wins.
pub async fn exactly_one_writer_makes_a_stream(subject: Subject) {
    for round in 0..15 {
        let name = format!("a-{round}");
        let won = winners(&subject, &name, ExpectedVersion::NoStream).await;
        assert_eq!(won, 1, "{won} of {WRITERS} writers won");
        assert_eq!(subject.store().version_of(&name).await, 2);
    }
}

/// Writers without expectations all succeed.
pub async fn writers_without_expectations_all_win(subject: Subject) {
    for round in 1..=5 {
        assert_eq!(winners(&subject, "a-1", ExpectedVersion::Any).await, WRITERS);
        assert_eq!(subject.store().version_of("a-1").await, round * 2 * WRITERS as u64);
    }
}

/// Each outcome names the place where its events are.
pub async fn each_outcome_names_its_own_place(subject: Subject) {
    let outcomes = race((0..WRITERS).map(|_| {
        let store = subject.store();
        async move {
            let mut outcomes = Vec::new();
            for _ in 0..20 {
                let events = counted(2);
                let last = events[1].id;
                outcomes.push((last, store.write("a-1", events).await));
            }
            outcomes
        }
    }))
    .await;
    let log = subject.store().log().await;
    for (id, appended) in outcomes.into_iter().flatten() {
        let event = log.iter().find(|event| event.id == id).expect("acknowledged events are there");
        assert_eq!((appended.position, appended.versions), (event.position, vec![event.version]));
    }
}

/// Writers who retry from what they were told all get through, each once.
pub async fn retrying_writers_lose_no_update(subject: Subject) {
    race((0..WRITERS).map(|_| {
        let store = subject.store();
        async move {
            let mut version = 0;
            for _ in 0..10 {
                loop {
                    match store.try_write("a-1", exact(version), counted(1)).await {
                        Ok(appended) => {
                            version = appended.versions[0].get();
                            break;
                        }
                        Err(AppendError::Conflict(VersionConflict::WrongVersion {
                            found, ..
                        })) => {
                            assert!(found.get() != version, "a conflict without a reason");
                            version = found.get();
                        }
                        Err(other) => panic!("only versions can conflict: {other:?}"),
                    }
                }
            }
        }
    }))
    .await;
    let expected: Vec<u64> = (1..=10 * WRITERS as u64).collect();
    assert_eq!(versions(&subject.store().stream("a-1").await), expected);
}

/// Losers in one stream do not take writers of other streams with them.
pub async fn losers_spare_other_writers(subject: Subject) {
    subject.store().write("contended-1", counted(1)).await;
    let outcomes = race((0..3 * WRITERS).map(|writer| {
        let store = subject.store();
        async move {
            match writer % 3 {
                0 => store.try_write("contended-1", exact(0), counted(1)).await.is_err(),
                _ => store.try_write(&format!("own-{writer}"), exact(0), counted(1)).await.is_ok(),
            }
        }
    }))
    .await;
    assert!(outcomes.into_iter().all(|as_expected| as_expected));
    assert_eq!(subject.store().log().await.len(), 1 + 2 * WRITERS);
}
