//! Defects that show only if several writers are at work: checks that are no part of the write.

use lucent_core::{
    MemoryStore,
    store::{
        Append, AppendError, Appended, CommitError, EventFilter, EventStore as _, ExpectedVersion,
        LogRead, ProjectionCommit, ReadModelStore as _,
    },
};

use crate::conformance::mutants::defects;

type Outcome = Result<Appended, AppendError>;

defects! {
    ChecksVersionsTooEarly rejected by "concurrency::exactly_one_writer_of_a_version_wins" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                let found = store.stream_version(&write.stream).await?;
                write.expected.check(&write.stream, found)?;
                write.expected = ExpectedVersion::Any;
            }
            tokio::task::yield_now().await;
            store.append(append).await
        }
    }
    ChecksNewStreamsTooEarly rejected by "concurrency::exactly_one_writer_makes_a_stream" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                if write.expected == ExpectedVersion::NoStream {
                    let found = store.stream_version(&write.stream).await?;
                    write.expected.check(&write.stream, found)?;
                    write.expected = ExpectedVersion::Any;
                }
            }
            tokio::task::yield_now().await;
            store.append(append).await
        }
    }
    LosesConcurrentWrites rejected by "concurrency::writers_without_expectations_all_win" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            for write in &mut append.writes {
                let found = store.stream_version(&write.stream).await?;
                write.expected.check(&write.stream, found)?;
                write.expected = ExpectedVersion::Exact(found);
            }
            tokio::task::yield_now().await;
            store.append(append).await
        }
    }
    ChecksConditionsTooEarly rejected by "conditions::exactly_one_of_racing_decisions_wins" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            if let Some(condition) = append.condition.take() {
                let read = LogRead::after(EventFilter::from(condition.query), condition.after);
                if let Some(event) = store.read_log(read).await?.events.first() {
                    let (after, found) = (condition.after, event.position);
                    return Err(AppendError::ConditionFailed { after, found });
                }
            }
            tokio::task::yield_now().await;
            store.append(append).await
        }
    }
    ChecksCommandsTooEarly rejected by "commands::racing_repetitions_have_one_effect" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let Some(command) = append.command.take() else { return store.append(append).await };
            if let Some(first) = store.command_outcome(command).await? {
                return Ok(first);
            }
            tokio::task::yield_now().await;
            let appended = store.append(append).await?;
            store.append(Append { command: Some(command), ..Append::default() }).await?;
            Ok(appended)
        }
    }
    ChecksCheckpointsTooEarly rejected by "projections::exactly_one_of_racing_steps_wins" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Result<(), CommitError> {
            let found = store.checkpoint(&commit.projection).await?;
            if found != commit.from {
                let ProjectionCommit { projection, from: expected, .. } = commit;
                return Err(CommitError::CheckpointMoved { projection, expected, found });
            }
            tokio::task::yield_now().await;
            commit.from = store.checkpoint(&commit.projection).await?;
            store.commit_projection(commit).await
        }
    }
    InterleavesBatches rejected by "order::batches_are_not_interleaved" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let [write] = &append.writes[..] else { return store.append(append).await };
            let (stream, expected, events) = (write.stream.clone(), write.expected, write.events.clone());
            let mut last = store.append(Append::one(stream.clone(), expected, Vec::new())).await?;
            for event in events {
                last = store.append(Append::one(stream.clone(), ExpectedVersion::Any, vec![event])).await?;
                tokio::task::yield_now().await;
            }
            Ok(last)
        }
    }
    LetsLosersTakeOthersWithThem rejected by "inline::a_failing_append_spares_its_neighbors" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            // Only the poisoned appends have three events here; the next one in line fails, too.
            let poisoned = append.writes[0].events.len() == 3;
            let before = store.head().await?;
            tokio::task::yield_now().await;
            let crowded = store.head().await? != before;
            if crowded && !poisoned && !append.inline.as_slice().is_empty() {
                return Err(AppendError::Invalid { reason: "a neighbor failed".to_owned() });
            }
            store.append(append).await
        }
    }
}
