//! Defects of commands that share an append.

use lucent_core::{
    MemoryStore,
    store::{Append, AppendError, Appended, EventStore as _},
};

use crate::conformance::mutants::defects;

type Outcome = Result<Appended, AppendError>;

defects! {
    GivesAllTheVersionOfTheBatch rejected by "joined_commands::each_has_an_outcome_of_its_own" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let events = append.event_count();
            append.joined.iter_mut().for_each(|joined| joined.events = events);
            store.append(append).await
        }
    }
    ForgetsTheRepliesOfJoined rejected by "joined_commands::one_that_comes_again_alone_gives_its_outcome" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            append.joined.iter_mut().for_each(|joined| joined.reply = None);
            store.append(append).await
        }
    }
    LeavesOutTheKnown rejected by "joined_commands::a_known_one_refuses_the_batch" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            match store.append(append.clone()).await {
                Err(AppendError::CommandKnown { command }) => {
                    append.joined.retain(|joined| joined.id != command);
                    store.append(append).await
                }
                outcome => outcome,
            }
        }
    }
    ChecksVersionsBeforeJoined rejected by "joined_commands::a_known_one_is_not_a_conflict" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            for write in &append.writes {
                let found = store.stream_version(&write.stream).await?;
                write.expected.check(&write.stream, found)?;
            }
            store.append(append).await
        }
    }
    KeepsJoinedIdsOfRefusedAppends rejected by "joined_commands::a_refused_batch_keeps_the_ids_free" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let joined = append.joined.clone();
            let outcome = store.append(append).await;
            if outcome.is_err() {
                for one in joined {
                    store.append(Append { command: Some(one.id), ..Append::default() }).await?;
                }
            }
            outcome
        }
    }
    TakesWhatDoesNotFit rejected by "joined_commands::those_that_do_not_fit_are_refused" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            if append.validate(usize::MAX).is_err() {
                append.joined.clear();
            }
            store.append(append).await
        }
    }
    ChecksJoinedTooEarly rejected by "joined_commands::racing_batches_do_a_command_once" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let joined = std::mem::take(&mut append.joined);
            for one in &joined {
                if store.command_outcome(one.id).await?.is_some() {
                    return Err(AppendError::CommandKnown { command: one.id });
                }
            }
            tokio::task::yield_now().await;
            let appended = store.append(append).await?;
            for one in joined {
                store.append(Append { command: Some(one.id), ..Append::default() }).await?;
            }
            Ok(appended)
        }
    }
}
