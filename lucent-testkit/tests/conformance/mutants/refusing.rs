//! Defects of numbers, and of expectations and conditions that refuse what they should take.

use std::collections::HashSet;

use lucent_core::{
    MemoryStore, Position, StreamId, Version,
    store::{
        Append, AppendError, Appended, EventFilter, EventQuery, EventStore as _, ExpectedVersion,
        LogRead, PageLimit, StoreError, StreamPage, StreamRead, StreamWrite, VersionConflict,
    },
};

use crate::conformance::mutants::{defect::marked, defects};

type Outcome = Result<Appended, AppendError>;

const EVERYTHING: PageLimit = PageLimit { events: usize::MAX, bytes: usize::MAX };

/// Appends with other expectations.
async fn expecting(
    store: &MemoryStore,
    mut append: Append,
    change: impl Fn(&mut StreamWrite),
) -> Outcome {
    append.writes.iter_mut().for_each(change);
    store.append(append).await
}

/// Tells another version than the one that was found.
fn telling(outcome: Outcome, told: impl FnOnce(Version) -> Version) -> Outcome {
    outcome.map_err(|error| match error {
        AppendError::Conflict(VersionConflict::WrongVersion { stream, expected, found }) => {
            let found = told(found);
            AppendError::Conflict(VersionConflict::WrongVersion { stream, expected, found })
        }
        other => other,
    })
}

defects! {
    StartsAtOne rejected by "append::a_new_store_is_empty" {
        async fn head(store: &MemoryStore) -> Result<Position, StoreError> {
            Ok(store.head().await?.max(Position::new(1)))
        }
    }
    TakesPositionsForVersions rejected by "append::versions_count_from_one_in_each_stream" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> Result<StreamPage, StoreError> {
            let mut page = store.read_stream(read).await?;
            page.events.iter_mut().for_each(|event| event.version = Version::new(event.position.get()));
            Ok(page)
        }
    }
    CountsPositionsByStream rejected by "append::positions_grow_across_streams" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let appended = store.append(append).await?;
            let version = appended.versions.first().map_or(0, |version| version.get());
            Ok(Appended { position: Position::new(version), ..appended })
        }
    }
    MakesStreamsOfNothing rejected by "append::an_empty_write_makes_no_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let streams: Vec<StreamId> = append.writes.iter().map(|write| write.stream.clone()).collect();
            let empty = append.event_count() == 0;
            let appended = store.append(append).await?;
            for stream in streams.iter().filter(|_| empty) {
                store.append(marked(stream.as_str())).await?;
            }
            Ok(appended)
        }
    }
    BurnsPositions rejected by "append::a_refused_append_consumes_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let outcome = store.append(append).await;
            if outcome.is_err() {
                store.append(marked("burnt-1")).await?;
            }
            outcome
        }
    }
    TakesAnyForNew rejected by "versions::any_takes_new_and_old_streams" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            expecting(store, append, |write| {
                if write.expected == ExpectedVersion::Any {
                    write.expected = ExpectedVersion::NoStream;
                }
            })
            .await
        }
    }
    TakesAPrefixForTheStream rejected by "versions::no_stream_takes_a_new_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let log = LogRead::after(EventFilter::all(), Position::ZERO).limit(EVERYTHING);
            let log = store.read_log(log).await?.events;
            for StreamWrite { stream, expected, .. } in &append.writes {
                let similar = log.iter().find(|event| event.stream.as_str().starts_with(stream.as_str()));
                if let (Some(event), ExpectedVersion::NoStream) = (similar, expected) {
                    expected.check(stream, event.version)?;
                }
            }
            store.append(append).await
        }
    }
    WantsNoStreamWhereOneIsExpected rejected by "versions::stream_exists_takes_an_old_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            expecting(store, append, |write| {
                if write.expected == ExpectedVersion::StreamExists {
                    write.expected = ExpectedVersion::NoStream;
                }
            })
            .await
        }
    }
    WantsTheVersionToCome rejected by "versions::exact_takes_the_current_version" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            expecting(store, append, |write| {
                if let ExpectedVersion::Exact(version) = &mut write.expected {
                    *version = Version::new(version.get().saturating_sub(write.events.len() as u64));
                }
            })
            .await
        }
    }
    CountsAppends rejected by "versions::exact_counts_events_not_appends" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                let ExpectedVersion::Exact(expected) = write.expected else { continue };
                let read = StreamRead::forward(write.stream.clone()).limit(EVERYTHING);
                let page = store.read_stream(read).await?;
                // Each append of the suite has metadata of its own.
                let appends: HashSet<_> = page.events.iter().map(|event| event.metadata.causation()).collect();
                if expected.get() == appends.len() as u64 {
                    write.expected = ExpectedVersion::Any;
                }
            }
            store.append(append).await
        }
    }
    ComparesVersionsInSixteenBits rejected by "long_streams::the_end_of_a_long_stream_is_near" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                let found = store.stream_version(&write.stream).await?;
                if let ExpectedVersion::Exact(expected) = write.expected
                    && expected.get() & 0xffff == found.get() & 0xffff
                {
                    write.expected = ExpectedVersion::Any;
                }
            }
            store.append(append).await
        }
    }
    TellsTheNextVersion rejected by "versions::a_conflict_tells_where_to_go_on" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            telling(store.append(append).await, Version::next)
        }
    }
    TellsWhatWasExpected rejected by "concurrency::retrying_writers_lose_no_update" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let expected = append.writes.first().map(|write| write.expected);
            telling(store.append(append).await, |found| match expected {
                Some(ExpectedVersion::Exact(version)) => version,
                _ => found,
            })
        }
    }
    FoldsCaseOfStreams rejected by "versions::unrelated_streams_never_conflict" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            expecting(store, append, |write| {
                let folded = write.stream.as_str().to_lowercase();
                write.stream = StreamId::new(folded).expect("names stay valid");
            })
            .await
        }
    }
    ExpectsTheSameOfAllStreams rejected by "multi_stream::each_write_has_its_own_expectation" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let first = append.writes.first().map_or(ExpectedVersion::Any, |write| write.expected);
            expecting(store, append, |write| write.expected = first).await
        }
    }
    DropsWritesWithoutEvents rejected by "multi_stream::an_empty_write_guards_its_stream" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.writes.retain(|write| !write.events.is_empty());
            store.append(append).await
        }
    }
    RefusesPositionsToCome rejected by "conditions::a_position_beyond_the_head_holds" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let head = store.head().await?;
            if append.condition.as_ref().is_some_and(|condition| condition.after > head) {
                return Err(AppendError::Invalid { reason: "the position is to come".to_owned() });
            }
            store.append(append).await
        }
    }
    CountsItsOwnEvents rejected by "conditions::its_own_events_do_not_count" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let matches = |query: &EventQuery| {
                let mut events = append.writes.iter().flat_map(|write| &write.events);
                events.any(|event| query.matches(&event.event_type, &event.tags))
            };
            if let Some(condition) = append.condition.as_ref().filter(|condition| matches(&condition.query)) {
                let found = store.head().await?.next();
                return Err(AppendError::ConditionFailed { after: condition.after, found });
            }
            store.append(append).await
        }
    }
}
