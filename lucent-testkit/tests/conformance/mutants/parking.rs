//! Defects of parked events.

use lucent_core::{
    MemoryStore, Position,
    store::{
        CommitError, Parked, ParkedChange, ParkedEvent, ParkedKey, ProjectionCommit, ProjectionId,
        ReadModelStore as _, StoreError,
    },
};

use crate::conformance::mutants::defects;

type Step = Result<(), CommitError>;
type Line = Result<Vec<ParkedEvent>, StoreError>;

/// The step, with what is parked changed by a function.
fn with(mut commit: ProjectionCommit, change: impl Fn(&mut ParkedEvent)) -> ProjectionCommit {
    for parked in &mut commit.parked {
        if let ParkedChange::Park(event) = parked {
            change(event);
        }
    }
    commit
}

/// The revision as it is stored, whatever the step was planned on.
pub(super) async fn current(store: &MemoryStore, commit: ProjectionCommit) -> ProjectionCommit {
    let parked = store.parked(&commit.projection).await.expect("what is parked is readable");
    ProjectionCommit { revision: parked.revision, ..commit }
}

fn document_of(key: &ParkedKey) -> ParkedKey {
    match key {
        ParkedKey::Document(key) => ParkedKey::Document(key.clone()),
        ParkedKey::Stream(stream) => stream.as_str().into(),
    }
}

defects! {
    CountsRevisionsFromOne rejected by "parked::a_new_projection_has_parked_nothing" {
        async fn parked(store: &MemoryStore, projection: &ProjectionId) -> Result<Parked, StoreError> {
            let parked = store.parked(projection).await?;
            Ok(Parked { revision: parked.revision + 1, ..parked })
        }
    }
    ParksNothing rejected by "parked::parked_events_come_back_with_every_field" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            commit.parked.clear();
            store.commit_projection(commit).await
        }
    }
    ForgetsReasons rejected by "parked::parked_events_come_back_with_every_field" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(with(commit, |event| event.reason = None)).await
        }
    }
    ParksInAStepOfItsOwn rejected by "parked::a_refused_step_parks_nothing" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            let parked = std::mem::take(&mut commit.parked);
            let at = store.checkpoint(&commit.projection).await?;
            let parks = ProjectionCommit {
                parked,
                revision: commit.revision,
                ..ProjectionCommit::new(commit.projection.clone(), at, at)
            };
            store.commit_projection(parks).await?;
            let commit = current(store, commit).await;
            store.commit_projection(commit).await
        }
    }
    ParksWithoutTheCheckpoint rejected by "parked::a_step_parks_and_moves_the_checkpoint" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if !commit.parked.is_empty() {
                commit.to = commit.from;
            }
            store.commit_projection(commit).await
        }
    }
    KeepsLinesInTheOrderOfArrival rejected by "parked::a_line_is_in_the_order_of_the_log" {
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            let mut line = store.parked_events(projection, key, limit).await?;
            let arrived = line.len().min(1);
            line.rotate_left(arrived);
            Ok(line)
        }
    }
    SortsPositionsAsText rejected by "parked::a_line_is_in_the_order_of_the_log" {
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            let mut line = store.parked_events(projection, key, limit).await?;
            line.sort_by_key(|event| event.position.to_string());
            Ok(line)
        }
    }
    ReadsLinesFromTheirEnd rejected by "parked::a_line_is_read_from_its_start" {
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            let line = store.parked_events(projection, key, usize::MAX).await?;
            Ok(line[line.len().saturating_sub(limit)..].to_vec())
        }
    }
    CutsLongLines rejected by "parked::a_line_is_read_from_its_start" {
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            store.parked_events(projection, key, limit.min(1_000)).await
        }
    }
    OrdersLinesByPosition rejected by "parked::lines_are_in_the_order_of_their_keys" {
        async fn parked(store: &MemoryStore, projection: &ProjectionId) -> Result<Parked, StoreError> {
            let mut parked = store.parked(projection).await?;
            parked.lines.sort_by_key(|line| line.first.position);
            Ok(parked)
        }
    }
    MixesUpDocumentsAndStreams rejected by "parked::documents_and_streams_are_apart" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(with(commit, |event| event.key = document_of(&event.key))).await
        }
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            store.parked_events(projection, &document_of(key), limit).await
        }
    }
    ReleasesAnEventFromEveryLine rejected by "parked::an_event_may_stand_in_several_lines" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            let lines = store.parked(&commit.projection).await?.lines;
            let released = commit.parked.iter().filter_map(|change| match change {
                ParkedChange::Release { position, .. } => Some(*position),
                ParkedChange::Park(_) => None,
            });
            let everywhere: Vec<_> = released
                .flat_map(|position| {
                    let keys = lines.iter().map(|line| line.first.key.clone());
                    keys.map(move |key| ParkedChange::Release { key, position })
                })
                .collect();
            commit.parked.extend(everywhere);
            store.commit_projection(commit).await
        }
    }
    KeepsTheFirstReason rejected by "parked::parking_again_changes_the_reason" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            for change in &mut commit.parked {
                if let ParkedChange::Park(event) = change {
                    let line = store.parked_events(&commit.projection, &event.key, usize::MAX).await?;
                    if let Some(kept) = line.iter().find(|kept| kept.position == event.position) {
                        event.reason.clone_from(&kept.reason);
                    }
                }
            }
            store.commit_projection(commit).await
        }
    }
    ReleasesNothing rejected by "parked::a_released_event_leaves_its_line" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            commit.parked.retain(|change| matches!(change, ParkedChange::Park(_)));
            let commit = current(store, commit).await;
            store.commit_projection(commit).await
        }
    }
    FailsToReleaseNothing rejected by "parked::releasing_nothing_is_no_error" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            for change in &commit.parked {
                if let ParkedChange::Release { key, .. } = change
                    && store.parked_events(&commit.projection, key, 1).await?.is_empty()
                {
                    return Err(StoreError::Busy { reason: "it is not parked".to_owned() }.into());
                }
            }
            store.commit_projection(commit).await
        }
    }
    CountsEachParkedEvent rejected by "parked::each_change_moves_the_revision" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            let several = commit.parked.len() > 1;
            let last = several.then(|| commit.parked.pop()).flatten();
            let (projection, to) = (commit.projection.clone(), commit.to);
            store.commit_projection(commit).await?;
            let rest = ProjectionCommit::new(projection, to, to);
            let rest = current(store, ProjectionCommit { parked: last.into_iter().collect(), ..rest }).await;
            store.commit_projection(rest).await
        }
    }
    IgnoresTheRevision rejected by "parked::a_step_planned_before_a_change_is_refused" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let commit = current(store, commit).await;
            store.commit_projection(commit).await
        }
    }
    ChecksTheRevisionTooEarly rejected by "parked::exactly_one_of_racing_changes_wins" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let found = store.parked(&commit.projection).await?.revision;
            if found != commit.revision {
                return Err(CommitError::ParkedMoved { projection: commit.projection });
            }
            tokio::task::yield_now().await;
            let commit = current(store, commit).await;
            store.commit_projection(commit).await
        }
    }
    MixesUpLinesOfVersions rejected by "parked::versions_have_lines_of_their_own" {
        async fn parked_events(store: &MemoryStore, projection: &ProjectionId, key: &ParkedKey, limit: usize) -> Line {
            let mut line = Vec::new();
            for version in 0..4 {
                let id = ProjectionId { version, ..projection.clone() };
                line.extend(store.parked_events(&id, key, limit).await?);
            }
            Ok(line)
        }
    }
    KeepsTheLinesOfDroppedVersions rejected by "parked::dropping_a_version_drops_its_lines" {
        async fn drop_projection(store: &MemoryStore, projection: &ProjectionId) -> Result<(), StoreError> {
            let lines = store.parked(projection).await?.lines;
            store.drop_projection(projection).await?;
            let step = ProjectionCommit::new(projection.clone(), Position::ZERO, Position::ZERO);
            let parked = lines.into_iter().map(|line| ParkedChange::Park(line.first)).collect();
            store.commit_projection(ProjectionCommit { parked, ..step }).await
                .map_err(|error| StoreError::Busy { reason: error.to_string() })
        }
    }
    TrimsTexts rejected by "parked::odd_texts_come_back" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(with(commit, |event| {
                event.reason = event.reason.take().map(|reason| reason.trim().to_owned());
            })).await
        }
    }
}
