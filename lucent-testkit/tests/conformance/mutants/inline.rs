//! Defects of inline projections.

use lucent_core::{
    MemoryStore, Position, Projection, RecordedEvent,
    store::{
        Append, AppendError, Appended, Document, DocumentChange, DocumentKey, EventFilter,
        EventStore as _, InlineProjections, LogRead, PageLimit, ParkedKeys, ProjectionCommit,
        ReadModelStore as _,
    },
};

use crate::conformance::mutants::defects;

type Outcome = Result<Appended, AppendError>;

/// Moves the checkpoint of a projection to a position without projecting anything.
async fn skip(store: &MemoryStore, projection: &dyn Projection, to: Position) {
    let from = store.checkpoint(&projection.id()).await.expect("checkpoints are readable");
    let commit = ProjectionCommit::new(projection.id(), from, to.max(from));
    store.commit_projection(commit).await.expect("the step is taken");
}

/// Projects events whatever the checkpoint is.
async fn project(store: &MemoryStore, projection: &dyn Projection, events: &[RecordedEvent]) {
    let plan = projection.plan(events, &ParkedKeys::default());
    let documents = store.documents(&projection.id(), plan.keys()).await;
    let step = plan.apply(documents.expect("documents are readable"));
    let at = store.checkpoint(&projection.id()).await.expect("checkpoints are readable");
    let commit = ProjectionCommit {
        changes: step.changes,
        ..ProjectionCommit::new(projection.id(), at, at)
    };
    store.commit_projection(commit).await.expect("the step is taken");
}

defects! {
    ForgetsInlineProjections rejected by "inline::the_read_model_is_written_with_the_events" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            store.append(Append { inline: InlineProjections::default(), ..append }).await
        }
    }
    OverridesInlineErrors rejected by "inline::an_error_refuses_the_append" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let anyway = Append { inline: InlineProjections::default(), ..append.clone() };
            match store.append(append).await {
                Err(AppendError::Projection(_)) => store.append(anyway).await,
                outcome => outcome,
            }
        }
    }
    RunsTheFirstInlineProjectionOnly rejected by "inline::several_projections_are_apart" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let first = append.inline.as_slice().first().cloned();
            append.inline = InlineProjections(first.map(|first| [first].into()));
            store.append(append).await
        }
    }
    NeverCatchesUpInline rejected by "inline::a_projection_that_is_behind_catches_up" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            for projection in append.inline.as_slice() {
                let from = store.checkpoint(&projection.id()).await?;
                let commit = ProjectionCommit::new(projection.id(), from, store.head().await?);
                store.commit_projection(commit).await.expect("the step is taken");
            }
            store.append(append).await
        }
    }
    KeepsInlineStepsOfRefusedAppends rejected by "inline::a_conflict_is_not_projected" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let projections = append.inline.clone();
            let outcome = store.append(append).await;
            if let (Err(AppendError::Conflict(_)), Some(first)) = (&outcome, projections.as_slice().first()) {
                let from = store.checkpoint(&first.id()).await?;
                let commit = ProjectionCommit::new(first.id(), from, from.next());
                store.commit_projection(commit).await.expect("the step is taken");
            }
            outcome
        }
    }
    LeavesTheInlineCheckpoint rejected by "inline::unwanted_events_move_the_checkpoint" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let wanted = |projection: &std::sync::Arc<dyn lucent_core::Projection>| {
                let query = projection.filter().query;
                let events = append.writes.iter().flat_map(|write| &write.events);
                events.into_iter().any(|event| query.matches(&event.event_type, &event.tags))
            };
            if !append.inline.as_slice().iter().any(wanted) {
                append.inline = InlineProjections::default();
            }
            store.append(append).await
        }
    }
    ProjectsTheLastEventOnly rejected by "inline::every_event_of_a_batch_is_projected_once" {
        async fn append(store: &MemoryStore, mut append: Append) -> Outcome {
            let Some(last) = append.writes[0].events.pop() else { return store.append(append).await };
            let rest = Append { inline: InlineProjections::default(), ..append.clone() };
            let before = store.append(rest).await?;
            for projection in append.inline.as_slice() {
                skip(store, &**projection, before.position).await;
            }
            append.writes[0].events = vec![last];
            store.append(append).await
        }
    }
    KeepsRemovedDocuments rejected by "inline::a_document_can_be_removed" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let keys = [DocumentKey::from(append.writes[0].stream.as_str())];
            let projections = append.inline.clone();
            let Some(first) = projections.as_slice().first() else { return store.append(append).await };
            let before = store.documents(&first.id(), &keys).await?;
            let appended = store.append(append).await?;
            let [key] = keys;
            if let [Some(body)] = &before[..] && store.documents(&first.id(), std::slice::from_ref(&key)).await? == [None] {
                let put = DocumentChange::Put(Document { key, body: body.clone() });
                let at = ProjectionCommit::new(first.id(), appended.position, appended.position);
                let kept = ProjectionCommit { changes: vec![put], ..at };
                store.commit_projection(kept).await.expect("the step is taken");
            }
            Ok(appended)
        }
    }
    StoresWhatAProjectionRefuses rejected by "inline::only_the_failing_append_fails" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let anyway = Append { inline: InlineProjections::default(), ..append.clone() };
            let outcome = store.append(append).await;
            if let Err(AppendError::Projection(_)) = outcome {
                store.append(anyway).await?;
            }
            outcome
        }
    }
    CatchesUpByOnePage rejected by "inline::a_projection_far_behind_catches_up" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let head = store.head().await?;
            for projection in append.inline.as_slice() {
                skip(store, &**projection, Position::new(head.get().saturating_sub(1_000))).await;
            }
            store.append(append).await
        }
    }
    ProjectsOneByOne rejected by "inline::several_projections_are_all_or_nothing" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let mut first = append.clone();
            first.inline = InlineProjections(first.inline.as_slice().first().cloned().map(|first| [first].into()));
            let outcome = store.append(append).await;
            if let Err(AppendError::Projection(_)) = outcome {
                store.append(first).await?;
            }
            outcome
        }
    }
    ProjectsRepetitions rejected by "inline::a_repeated_command_is_not_projected" {
        async fn append(store: &MemoryStore, append: Append) -> Outcome {
            let projections = append.inline.clone();
            let appended = store.append(append).await?;
            if appended.repeated {
                let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
                let log = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
                let events = store.read_log(log).await?.events;
                for projection in projections.as_slice() {
                    project(store, &**projection, &events).await;
                }
            }
            Ok(appended)
        }
    }
}
