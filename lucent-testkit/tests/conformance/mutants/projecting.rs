//! Defects of snapshots and read models.

use bytes::Bytes;
use lucent_core::{
    MemoryStore, Position, Version,
    store::{
        CommitError, Document, DocumentChange, DocumentKey, EventStore as _, ProjectionCommit,
        ProjectionId, ReadModelStore as _, Snapshot, SnapshotKey, SnapshotStore as _, StoreError,
    },
};

use crate::conformance::mutants::{defect::marked, defects};

type Step = Result<(), CommitError>;
type Saved = Result<(), StoreError>;

defects! {
    SavesNoSnapshots rejected by "snapshots::snapshots_come_back_with_every_field" {
        async fn save_snapshot(_: &MemoryStore, _: &SnapshotKey, _: Snapshot) -> Saved {
            Ok(())
        }
    }
    KeepsTheFirstSnapshot rejected by "snapshots::a_newer_one_replaces_an_older_one" {
        async fn save_snapshot(store: &MemoryStore, key: &SnapshotKey, snapshot: Snapshot) -> Saved {
            match store.load_snapshot(key).await? {
                Some(_) => Ok(()),
                None => store.save_snapshot(key, snapshot).await,
            }
        }
    }
    KeepsTheLastSnapshot rejected by "snapshots::an_older_one_is_not_kept" {
        async fn save_snapshot(store: &MemoryStore, key: &SnapshotKey, snapshot: Snapshot) -> Saved {
            let other = Snapshot { schema_version: u32::MAX - 7, ..snapshot.clone() };
            store.save_snapshot(key, other).await?;
            store.save_snapshot(key, snapshot).await
        }
    }
    IgnoresTheShape rejected by "snapshots::another_shape_replaces_a_newer_one" {
        async fn save_snapshot(store: &MemoryStore, key: &SnapshotKey, snapshot: Snapshot) -> Saved {
            match store.load_snapshot(key).await? {
                Some(kept) if kept.version > snapshot.version => Ok(()),
                _ => store.save_snapshot(key, snapshot).await,
            }
        }
    }
    MixesUpAggregates rejected by "snapshots::each_key_has_its_own" {
        async fn save_snapshot(store: &MemoryStore, key: &SnapshotKey, snapshot: Snapshot) -> Saved {
            let key = SnapshotKey { aggregate: "Account", stream: key.stream.clone() };
            store.save_snapshot(&key, snapshot).await
        }
        async fn load_snapshot(store: &MemoryStore, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
            let key = SnapshotKey { aggregate: "Account", stream: key.stream.clone() };
            store.load_snapshot(&key).await
        }
    }
    CutsSnapshots rejected by "snapshots::a_snapshot_may_be_large" {
        async fn save_snapshot(store: &MemoryStore, key: &SnapshotKey, mut snapshot: Snapshot) -> Saved {
            snapshot.payload.data.truncate(1_000_000);
            store.save_snapshot(key, snapshot).await
        }
    }
    InventsSnapshots rejected by "snapshots::a_missing_snapshot_is_none" {
        async fn load_snapshot(store: &MemoryStore, key: &SnapshotKey) -> Result<Option<Snapshot>, StoreError> {
            let empty = Snapshot {
                version: Version::ZERO,
                position: Position::ZERO,
                schema_version: 1,
                payload: lucent_core::Payload::default(),
            };
            Ok(store.load_snapshot(key).await?.or(Some(empty)))
        }
    }
    IgnoresTheCheckpoint rejected by "projections::a_step_from_elsewhere_is_refused" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            commit.from = store.checkpoint(&commit.projection).await?;
            store.commit_projection(commit).await
        }
    }
    TakesAnyFirstStep rejected by "projections::the_first_step_starts_at_zero" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if store.checkpoint(&commit.projection).await? == Position::ZERO {
                commit.from = Position::ZERO;
            }
            store.commit_projection(commit).await
        }
    }
    TakesStepsFromBehind rejected by "projections::a_step_from_elsewhere_is_refused" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            let found = store.checkpoint(&commit.projection).await?;
            commit.from = commit.from.min(found).max(found.min(commit.from.next()));
            store.commit_projection(commit).await
        }
    }
    WritesDocumentsOfRefusedSteps rejected by "projections::a_step_from_elsewhere_is_refused" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let found = store.checkpoint(&commit.projection).await?;
            if found != commit.from {
                let anyway = ProjectionCommit { from: found, to: found, ..commit.clone() };
                store.commit_projection(anyway).await?;
            }
            store.commit_projection(commit).await
        }
    }
    KeepsTheCheckpoint rejected by "projections::a_step_moves_documents_and_checkpoint" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(ProjectionCommit { to: commit.from, ..commit }).await
        }
    }
    KeepsTheCheckpointOfEmptySteps rejected by "projections::a_step_may_be_empty" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if commit.changes.is_empty() {
                commit.to = commit.from;
            }
            store.commit_projection(commit).await
        }
    }
    ReversesChanges rejected by "projections::changes_happen_in_their_order" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            commit.changes.reverse();
            store.commit_projection(commit).await
        }
    }
    RemovesNothing rejected by "projections::a_step_moves_documents_and_checkpoint" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            commit.changes.retain(|change| matches!(change, DocumentChange::Put(_)));
            store.commit_projection(commit).await
        }
    }
    FailsToRemoveNothing rejected by "projections::removing_nothing_is_no_error" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            for change in &commit.changes {
                if let DocumentChange::Delete(key) = change {
                    let found = store.documents(&commit.projection, std::slice::from_ref(key)).await?;
                    if found == [None] {
                        return Err(StoreError::Busy { reason: "the document is missing".to_owned() }.into());
                    }
                }
            }
            store.commit_projection(commit).await
        }
    }
    ReformatsDocuments rejected by "projections::documents_come_back_as_they_were" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            for change in &mut commit.changes {
                if let DocumentChange::Put(document) = change {
                    let body: Vec<u8> = document.body.iter().copied().filter(|byte| *byte != b' ').collect();
                    document.body = body.into();
                }
            }
            store.commit_projection(commit).await
        }
    }
    SortsDocuments rejected by "projections::documents_come_in_the_order_asked" {
        async fn documents(store: &MemoryStore, projection: &ProjectionId, keys: &[DocumentKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
            let mut keys = keys.to_vec();
            keys.sort();
            store.documents(projection, &keys).await
        }
    }
    LeavesOutMissingDocuments rejected by "projections::documents_come_in_the_order_asked" {
        async fn documents(store: &MemoryStore, projection: &ProjectionId, keys: &[DocumentKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
            let mut found = store.documents(projection, keys).await?;
            found.retain(Option::is_some);
            Ok(found)
        }
    }
    FindsFewDocuments rejected by "projections::many_documents_at_once" {
        async fn documents(store: &MemoryStore, projection: &ProjectionId, keys: &[DocumentKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
            store.documents(projection, &keys[..keys.len().min(999)]).await
        }
    }
    FoldsKeys rejected by "projections::keys_are_compared_to_the_letter" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            for change in &mut commit.changes {
                if let DocumentChange::Put(document) = change {
                    document.key = document.key.as_str().trim().into();
                }
            }
            store.commit_projection(commit).await
        }
    }
    OrdersPagesWithoutCase rejected by "projections::pages_are_in_the_order_of_keys" {
        async fn document_page(store: &MemoryStore, projection: &ProjectionId, after: Option<&DocumentKey>, limit: usize) -> Result<Vec<Document>, StoreError> {
            let mut page = store.document_page(projection, after, limit).await?;
            page.sort_by_key(|document| document.key.as_str().to_lowercase());
            Ok(page)
        }
    }
    IncludesTheKey rejected by "projections::pages_of_documents_follow_each_other" {
        async fn document_page(store: &MemoryStore, projection: &ProjectionId, after: Option<&DocumentKey>, limit: usize) -> Result<Vec<Document>, StoreError> {
            let mut page = store.document_page(projection, None, usize::MAX).await?;
            page.retain(|document| after.is_none_or(|after| document.key >= *after));
            page.truncate(limit);
            Ok(page)
        }
    }
    IgnoresLengthsOfDocumentPages rejected by "projections::pages_of_documents_follow_each_other" {
        async fn document_page(store: &MemoryStore, projection: &ProjectionId, after: Option<&DocumentKey>, _: usize) -> Result<Vec<Document>, StoreError> {
            store.document_page(projection, after, usize::MAX).await
        }
    }
    GivesPagesWithoutBodies rejected by "projections::pages_have_bodies_and_no_removed_ones" {
        async fn document_page(store: &MemoryStore, projection: &ProjectionId, after: Option<&DocumentKey>, limit: usize) -> Result<Vec<Document>, StoreError> {
            let mut page = store.document_page(projection, after, limit).await?;
            page.iter_mut().for_each(|document| document.body.clear());
            Ok(page)
        }
    }
    MixesUpVersions rejected by "projections::versions_are_apart" {
        async fn documents(store: &MemoryStore, projection: &ProjectionId, keys: &[DocumentKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
            let first = ProjectionId { version: 1, ..projection.clone() };
            store.documents(&first, keys).await
        }
    }
    ActivatesAlways rejected by "projections::a_step_can_activate_its_version" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(ProjectionCommit { activate: true, ..commit }).await
        }
    }
    ActivatesNever rejected by "projections::a_step_can_activate_its_version" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(ProjectionCommit { activate: false, ..commit }).await
        }
    }
    DropsNothing rejected by "projections::dropping_a_version_leaves_the_others" {
        async fn drop_projection(_: &MemoryStore, _: &ProjectionId) -> Saved {
            Ok(())
        }
    }
    DropsEveryVersion rejected by "projections::dropping_a_version_leaves_the_others" {
        async fn drop_projection(store: &MemoryStore, projection: &ProjectionId) -> Saved {
            for version in 0..10 {
                store.drop_projection(&ProjectionId { version, ..projection.clone() }).await?;
            }
            Ok(())
        }
    }
    DropsDocumentsOnly rejected by "projections::a_dropped_version_can_be_built_anew" {
        async fn drop_projection(store: &MemoryStore, projection: &ProjectionId) -> Saved {
            let checkpoint = store.checkpoint(projection).await?;
            store.drop_projection(projection).await?;
            let commit = ProjectionCommit::new(projection.clone(), Position::ZERO, checkpoint);
            store.commit_projection(commit).await.map_err(|error| StoreError::Busy { reason: error.to_string() })
        }
    }
    StartsProjectionsAtTheHead rejected by "projections::a_new_projection_is_at_zero" {
        async fn checkpoint(store: &MemoryStore, projection: &ProjectionId) -> Result<Position, StoreError> {
            match store.checkpoint(projection).await? {
                Position::ZERO => store.head().await,
                found => Ok(found),
            }
        }
    }
    LogsItsSteps rejected by "projections::steps_do_not_touch_the_log" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(commit).await?;
            let step = marked("steps-1");
            store.append(step).await.expect("steps are logged");
            Ok(())
        }
    }
}
