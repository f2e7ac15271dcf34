//! Defects of appends, their outcomes and command ids.

use lucent_core::{
    CommandId, MemoryStore, Position, Version,
    store::{
        Append, AppendError, Appended, EventStore as _, ExpectedVersion, StoreError, StreamWrite,
    },
};

use crate::conformance::mutants::{defect::PAYLOAD_LIMIT, defects};

type Outcome = Result<Appended, AppendError>;

/// Weakens the expectations of some writes.
fn weaken(append: &mut Append, weak: impl Fn(usize, &StreamWrite) -> bool) {
    for (index, write) in append.writes.iter_mut().enumerate() {
        if weak(index, write) {
            write.expected = ExpectedVersion::Any;
        }
    }
}

async fn weakened(
    store: &MemoryStore,
    mut append: Append,
    weak: impl Fn(usize, &StreamWrite) -> bool,
) -> Outcome {
    append.validate(PAYLOAD_LIMIT)?;
    weaken(&mut append, weak);
    store.append(append).await
}

defects! {
    IgnoresExpectedVersions rejected by "versions::exact_refuses_an_older_version" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            weakened(store, append, |_, _| true).await
        }
    }
    IgnoresVersionsToCome rejected by "versions::exact_refuses_a_version_to_come" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                if let ExpectedVersion::Exact(version) = write.expected
                    && version > store.stream_version(&write.stream).await?
                {
                    write.expected = ExpectedVersion::Any;
                }
            }
            store.append(append).await
        }
    }
    IgnoresExactZero rejected by "versions::exact_zero_takes_only_a_new_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let zero = ExpectedVersion::Exact(Version::ZERO);
            weakened(store, append, |_, write| write.expected == zero).await
        }
    }
    IgnoresNoStream rejected by "versions::no_stream_refuses_an_old_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            weakened(store, append, |_, write| write.expected == ExpectedVersion::NoStream).await
        }
    }
    IgnoresStreamExists rejected by "versions::stream_exists_refuses_a_new_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            weakened(store, append, |_, write| write.expected == ExpectedVersion::StreamExists).await
        }
    }
    IgnoresExpectationsOfEmptyWrites rejected by "versions::an_empty_write_checks_its_expectation" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            weakened(store, append, |_, write| write.events.is_empty()).await
        }
    }
    ChecksTheFirstStreamOnly rejected by "multi_stream::one_conflict_refuses_every_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            weakened(store, append, |index, _| index > 0).await
        }
    }
    SplitsBatches rejected by "multi_stream::readers_never_see_half_of_a_batch" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT)?;
            if append.writes.len() < 2 {
                return store.append(append).await;
            }
            let mut versions = Vec::new();
            for write in append.writes {
                let appended = store.append(Append { writes: vec![write], ..Append::default() }).await?;
                versions.extend(appended.versions);
                tokio::task::yield_now().await;
            }
            Ok(Appended { position: store.head().await?, versions, repeated: false, reply: None })
        }
    }
    ReversesVersions rejected by "multi_stream::versions_are_in_the_order_of_the_writes" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let mut appended = store.append(append).await?;
            appended.versions.reverse();
            Ok(appended)
        }
    }
    SortsStreamsOfABatch rejected by "multi_stream::a_batch_stands_together_in_the_log" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT)?;
            append.writes.sort_by(|one, other| one.stream.cmp(&other.stream));
            store.append(append).await
        }
    }
    TakesAStreamTwice rejected by "append::a_stream_that_occurs_twice_is_refused" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.writes.dedup_by(|one, other| one.stream == other.stream);
            append.validate(PAYLOAD_LIMIT)?;
            store.append(append).await
        }
    }
    TakesAnyPayload rejected by "append::a_payload_beyond_the_limit_is_refused" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            store.append(append).await
        }
    }
    RefusesThePayloadAtTheLimit rejected by "append::a_payload_beyond_the_limit_is_refused" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT - 1)?;
            store.append(append).await
        }
    }
    SkipsBadEvents rejected by "append::one_bad_event_refuses_the_batch" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let outcome = append.validate(PAYLOAD_LIMIT);
            for write in &mut append.writes {
                write.events.retain(|event| event.payload.data.len() <= PAYLOAD_LIMIT);
            }
            let appended = store.append(append).await?;
            outcome.map(|()| appended)
        }
    }
    RefusesEmptyAppends rejected by "append::an_empty_batch_writes_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            if append.event_count() == 0 {
                return Err(AppendError::Invalid { reason: "there are no events".to_owned() });
            }
            store.append(append).await
        }
    }
    GivesEmptyAppendsPositionZero rejected by "append::an_empty_batch_writes_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let empty = append.event_count() == 0;
            let mut appended = store.append(append).await?;
            if empty {
                appended.position = Position::ZERO;
            }
            Ok(appended)
        }
    }
    DropsTheLastEvent rejected by "append::one_batch_keeps_its_order" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in append.writes.iter_mut().filter(|write| write.events.len() > 1) {
                write.events.pop();
            }
            store.append(append).await
        }
    }
    ReversesEvents rejected by "append::one_batch_keeps_its_order" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.writes.iter_mut().for_each(|write| write.events.reverse());
            store.append(append).await
        }
    }
    CutsLargeBatches rejected by "append::a_large_batch_is_one_append" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.writes.iter_mut().for_each(|write| write.events.truncate(9_999));
            store.append(append).await
        }
    }
    ReportsTheNextPosition rejected by "append::the_outcome_names_position_and_version" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let appended = store.append(append).await?;
            Ok(Appended { position: appended.position.next(), ..appended })
        }
    }
    ReportsTheFirstPosition rejected by "append::the_outcome_names_position_and_version" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let before = store.head().await?;
            let appended = store.append(append).await?;
            Ok(Appended { position: before.next().min(appended.position), ..appended })
        }
    }
    ReportsTheHeadAsThePosition rejected by "concurrency::each_outcome_names_its_own_place" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let appended = store.append(append).await?;
            tokio::task::yield_now().await;
            Ok(Appended { position: store.head().await?, ..appended })
        }
    }
    WritesWhatItRefuses rejected by "versions::no_stream_refuses_an_old_stream" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT)?;
            let mut anyway = Append { condition: None, ..append.clone() };
            let outcome = store.append(append).await;
            if outcome.is_err() {
                weaken(&mut anyway, |_, _| true);
                store.append(anyway).await?;
            }
            outcome
        }
    }
    TellsAConflictAsAFailure rejected by "concurrency::exactly_one_writer_of_a_version_wins" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            store.append(append).await.map_err(|error| match error {
                AppendError::Conflict(_) => {
                    AppendError::Store(StoreError::Busy { reason: error.to_string() })
                }
                other => other,
            })
        }
    }
    WritesDroppedAppendsByHalves rejected by "append::a_dropped_append_is_all_or_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT)?;
            let [write] = &append.writes[..] else { return store.append(append).await };
            if write.events.len() != 3 || append.command.is_some() {
                return store.append(append).await;
            }
            let mut first = append.clone();
            let mut rest = append;
            rest.writes[0].events = first.writes[0].events.split_off(1);
            rest.writes[0].expected = ExpectedVersion::Any;
            store.append(first).await?;
            tokio::task::yield_now().await;
            store.append(rest).await
        }
    }
    ForgetsCommandIds rejected by "commands::a_repeated_id_has_no_effect" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            store.append(Append { command: None, ..append }).await
        }
    }
    ForgetsReplies rejected by "commands::the_reply_is_given_back" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            store.append(Append { reply: None, ..append }).await
        }
    }
    NeverSaysThatItIsARepetition rejected by "commands::a_repeated_id_has_no_effect" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            Ok(Appended { repeated: false, ..store.append(append).await? })
        }
    }
    GivesRepetitionsTheHead rejected by "commands::the_first_outcome_is_given_later_too" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let appended = store.append(append).await?;
            Ok(Appended { position: store.head().await?, ..appended })
        }
    }
    ChecksVersionsOfRepetitions rejected by "commands::a_repetition_is_not_a_conflict" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            append.validate(PAYLOAD_LIMIT)?;
            for write in &append.writes {
                let found = store.stream_version(&write.stream).await?;
                write.expected.check(&write.stream, found)?;
            }
            store.append(append).await
        }
    }
    KeepsIdsOfRefusedAppends rejected by "commands::a_refused_append_keeps_its_id_free" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let command = append.command;
            let outcome = store.append(append).await;
            if outcome.is_err() {
                store.append(Append { command, ..Append::default() }).await?;
            }
            outcome
        }
    }
    ForgetsAppendsWithoutEvents rejected by "commands::an_append_without_events_is_remembered" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            if append.event_count() == 0 {
                append.command = None;
            }
            store.append(append).await
        }
    }
    TakesAllIdsForOne rejected by "commands::ids_do_not_meet" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let command = append.command.map(|_| CommandId::derived("one"));
            store.append(Append { command, ..append }).await
        }
    }
    KnowsNoOutcomes rejected by "commands::the_outcome_can_be_asked_for" {
        async fn command_outcome(_: &MemoryStore, _: CommandId) -> Result<Option<Appended>, StoreError> {
            Ok(None)
        }
    }
}
