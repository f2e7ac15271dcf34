//! What the partitions of a stored version have in common, however many there are.
//!
//! Invariant: a version that is removed leaves no checkpoint behind from which it could go on
//! without its documents.

use crate::{
    app::partitions::{
        number::{read, record_of},
        part_store::part_of,
    },
    position::Position,
    store::{Parked, ProjectionId, ReadModelStore, StoreError},
};

/// Removes a version: the checkpoints of its partitions first, then its documents, then their number.
pub(crate) async fn drop_version(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
) -> Result<(), StoreError> {
    let number = read(store, projection).await?;
    for index in 0..number.unwrap_or(0) {
        store.drop_projection(&part_of(projection, index)).await?;
    }
    store.drop_projection(projection).await?;
    match number {
        Some(_) => store.drop_projection(&record_of(projection)).await,
        None => Ok(()),
    }
}

/// How far every partition of a version has come; none if it is not divided.
pub(crate) async fn least_checkpoint(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
) -> Result<Option<Position>, StoreError> {
    let mut least = None;
    for index in 0..read(store, projection).await?.unwrap_or(0) {
        let position = store.checkpoint(&part_of(projection, index)).await?;
        least = Some(least.map_or(position, |least: Position| least.min(position)));
    }
    Ok(least)
}

/// What a version has parked, in its partitions too.
pub(crate) async fn all_parked(
    store: &dyn ReadModelStore,
    projection: &ProjectionId,
) -> Result<Parked, StoreError> {
    let mut parked = store.parked(projection).await?;
    for index in 0..read(store, projection).await?.unwrap_or(0) {
        parked.lines.extend(store.parked(&part_of(projection, index)).await?.lines);
    }
    Ok(parked)
}
