//! Into how many partitions a version of a projection is divided.
//!
//! Invariant: the number is stored before the first step and never changes afterwards, so no key
//! ever moves from one checkpoint to another.

use bytes::Bytes;

use crate::{
    app::StartError,
    position::Position,
    store::{
        CommitError, Document, DocumentChange, DocumentKey, ProjectionCommit, ProjectionId,
        ReadModelStore, StoreError,
    },
};

/// Stores the number of partitions of a version, or checks that it is the stored one.
pub(crate) async fn fix_number(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
    declared: u32,
) -> Result<(), StartError> {
    let stored = match read(store, projection).await? {
        Some(stored) => stored,
        None if declared == 1 => 1,
        None if is_undivided(store, projection).await? => 1,
        None => write(store, projection, declared).await?,
    };
    if stored == declared {
        return Ok(());
    }
    Err(StartError::PartitionsChanged { projection: projection.clone(), stored, declared })
}

/// Whether it was run before as a whole, for which nothing is stored.
async fn is_undivided(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
) -> Result<bool, StartError> {
    Ok(store.checkpoint(projection).await? > Position::ZERO
        || store.active_version(&projection.name).await? == Some(projection.version))
}

/// The stored number; none if the version was never divided.
pub(super) async fn read(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
) -> Result<Option<u32>, StoreError> {
    let id = record_of(projection);
    let found = store.documents(&id, &[DocumentKey::from(KEY)]).await?;
    let Some(body) = found.into_iter().next().flatten() else { return Ok(None) };
    match serde_json::from_slice(&body) {
        Ok(number) => Ok(Some(number)),
        Err(error) => Err(StoreError::Damaged {
            location: format!("document `{KEY}` of {id}"),
            reason: error.to_string(),
        }),
    }
}

/// Stores the number, unless another node was first; gives the one that stands.
async fn write(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
    declared: u32,
) -> Result<u32, StartError> {
    let document = Document { key: KEY.into(), body: Bytes::from(declared.to_string()) };
    let commit = ProjectionCommit {
        changes: vec![DocumentChange::Put(document)],
        ..ProjectionCommit::new(record_of(projection), Position::ZERO, Position::new(1))
    };
    match store.commit_projection(commit).await {
        Ok(()) => Ok(declared),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(_) => Ok(read(store, projection).await?.unwrap_or(declared)),
    }
}

/// Where the number is stored.
pub(super) fn record_of(projection: &ProjectionId) -> ProjectionId {
    ProjectionId::new(format!("{}#partitions", projection.name), projection.version)
}

const KEY: &str = "number";
