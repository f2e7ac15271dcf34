//! What nodes can divide among themselves: projections and event handlers.
//!
//! Invariant: a partition is begun under a fence, and whoever works on it shows that fence at each
//! step.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use crate::{
    app::task::StopSignal,
    projection::Partition,
    store::{CommitError, Fence, StoreError},
};

/// Something in partitions, each of which one node works on at a time.
#[async_trait]
pub(crate) trait Divided: Send + Sync + 'static {
    /// What it is called in the names of leases and in traces: `projection/totals/1`.
    fn name(&self) -> String;

    /// How many partitions it has.
    fn count(&self) -> u32;

    /// Begins a partition; what it gives is to run until the signal.
    async fn begin(
        &self,
        partition: Partition,
        fence: Fence,
        stop: StopSignal,
    ) -> Result<BoxFuture<'static, ()>, StoreError>;

    /// From now on, this node does not work on a partition.
    fn ended(&self, index: u32);

    /// Sees how far the other nodes have come.
    async fn look(&self) -> Result<(), CommitError>;

    /// From now on, this node takes no part.
    async fn left(&self) {}

    /// Has the node look after its leases now, and not only when it is time to.
    fn poke(&self) -> Arc<Notify> {
        Arc::default()
    }
}
