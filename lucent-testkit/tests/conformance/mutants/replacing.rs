//! Defects of putting projections into the places of others, and of the list of versions.

use std::slice;

use lucent_core::{
    MemoryStore, Position,
    store::{
        CommitError, Fence, ParkedChange, ParkedLine, ProjectionCommit, ProjectionId,
        ReadModelStore as _, Replacement, StoreError, StoredVersion,
    },
};

use crate::conformance::mutants::{defects, parking::current};

type Step = Result<(), CommitError>;

defects! {
    ListsVersionsAsText rejected by "rebuilding::stored_versions_are_listed" {
        async fn stored_versions(store: &MemoryStore, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
            let mut versions = store.stored_versions(name).await?;
            versions.sort_by_key(|stored| stored.version.to_string());
            Ok(versions)
        }
    }
    ListsNoActiveVersion rejected by "rebuilding::stored_versions_are_listed" {
        async fn stored_versions(store: &MemoryStore, name: &str) -> Result<Vec<StoredVersion>, StoreError> {
            let mut versions = store.stored_versions(name).await?;
            versions.iter_mut().for_each(|stored| stored.active = false);
            Ok(versions)
        }
    }
    ListsDroppedVersions rejected by "rebuilding::a_dropped_version_is_not_listed" {
        async fn drop_projection(store: &MemoryStore, projection: &ProjectionId) -> Result<(), StoreError> {
            store.drop_projection(projection).await?;
            let step = ProjectionCommit::new(projection.clone(), Position::ZERO, Position::ZERO);
            store.commit_projection(step).await.map_err(|error| StoreError::Busy { reason: error.to_string() })
        }
    }
    ReplacesNothing rejected by "rebuilding::a_replacement_takes_everything_along" {
        async fn replace_projections(_: &MemoryStore, _: &[Replacement], _: Option<&Fence>) -> Step {
            Ok(())
        }
    }
    CopiesReplacements rejected by "rebuilding::a_replacement_leaves_nothing_behind" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            let built = &all[0].built;
            let to = store.checkpoint(built).await?;
            store.replace_projections(all, fence).await?;
            store.commit_projection(ProjectionCommit::new(built.clone(), Position::ZERO, to)).await
        }
    }
    DeactivatesWhatItReplaces rejected by "rebuilding::a_replaced_version_stays_active" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            store.replace_projections(all, fence).await?;
            let other = ProjectionId { version: 99, ..all[0].place.clone() };
            let step = ProjectionCommit::new(other, Position::ZERO, Position::ZERO);
            store.commit_projection(ProjectionCommit { activate: true, ..step }).await
        }
    }
    ReplacesByWhatIsBehind rejected by "rebuilding::a_replacement_that_is_behind_is_refused" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in all {
                store.drop_projection(&one.place).await?;
            }
            store.replace_projections(all, fence).await
        }
    }
    KeepsTheRevisionOfAReplacement rejected by "rebuilding::a_step_planned_before_a_replacement_is_refused" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let commit = current(store, commit).await;
            store.commit_projection(commit).await
        }
    }
    StartsReplacementsAnew rejected by "rebuilding::steps_go_on_after_a_replacement" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in all {
                store.drop_projection(&one.built).await?;
                store.drop_projection(&one.place).await?;
            }
            store.replace_projections(all, fence).await
        }
    }
    ReplacesNobodyButTheLast rejected by "rebuilding::several_replacements_take_their_places" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            store.replace_projections(&all[all.len() - 1..], fence).await
        }
    }
    ReplacesAllButTheLast rejected by "rebuilding::several_replacements_take_their_places" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            let most = std::cmp::max(1, all.len() - 1);
            store.replace_projections(&all[..most], fence).await
        }
    }
    LeavesParkedEventsBehind rejected by "rebuilding::several_replacements_take_their_places" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            store.replace_projections(all, fence).await?;
            for one in &all[1..] {
                let parked = store.parked(&one.place).await?;
                let at = store.checkpoint(&one.place).await?;
                let release = |line: ParkedLine| ParkedChange::Release { key: line.first.key, position: line.first.position };
                let step = ProjectionCommit::new(one.place.clone(), at, at);
                let (revision, parked) = (parked.revision, parked.lines.into_iter().map(release).collect());
                store.commit_projection(ProjectionCommit { parked, revision, ..step }).await?;
            }
            Ok(())
        }
    }
    KeepsTheOtherRevisions rejected by "rebuilding::several_replacements_take_their_places" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let commit = match commit.projection.name.contains('#') {
                true => current(store, commit).await,
                false => commit,
            };
            store.commit_projection(commit).await
        }
    }
    ReplacesOneByOne rejected by "rebuilding::several_replacements_are_refused_if_one_is_behind" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in all {
                store.replace_projections(slice::from_ref(one), fence).await?;
            }
            Ok(())
        }
    }
    ReplacesByPartsThatAreBehind rejected by "rebuilding::several_replacements_are_refused_if_one_is_behind" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in &all[1..] {
                store.drop_projection(&one.place).await?;
            }
            store.replace_projections(all, fence).await
        }
    }
    ReplacesWithoutTheLease rejected by "rebuilding::a_replacement_without_its_lease_is_refused" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], _: Option<&Fence>) -> Step {
            store.replace_projections(all, None).await
        }
    }
    MakesWhatWasNeverBuilt rejected by "rebuilding::a_refused_replacement_leaves_nothing_behind" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in all {
                let at = store.checkpoint(&one.built).await?;
                let step = ProjectionCommit::new(one.built.clone(), at, at);
                store.commit_projection(current(store, step).await).await?;
            }
            store.replace_projections(all, fence).await
        }
    }
    RemovesFirstAndReplacesThen rejected by "rebuilding::readers_see_what_was_or_what_was_built" {
        async fn replace_projections(store: &MemoryStore, all: &[Replacement], fence: Option<&Fence>) -> Step {
            for one in all {
                if store.checkpoint(&one.built).await? >= store.checkpoint(&one.place).await? {
                    store.drop_projection(&one.place).await?;
                }
            }
            tokio::task::yield_now().await;
            store.replace_projections(all, fence).await
        }
    }
}
