//! How nodes reach each other.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    mesh::{Beat, Needs, NodeId, NotOwner, Urgency},
    position::Position,
};

/// A call on its way to the node that runs it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The function, as `name v1`.
    pub function: Arc<str>,
    /// The key whose calls keep their order.
    pub key: Option<Arc<str>>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What it takes while it runs.
    pub needs: Needs,
    /// How long the caller waits.
    pub patience: Duration,
    /// The encoded input.
    pub payload: Bytes,
}

/// The way from one node to the others.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Has another node run a call.
    ///
    /// # Errors
    /// [`TransportError`]; except for `Unreachable`, the node itself said so.
    async fn send(&self, to: &NodeId, request: Request) -> Result<Bytes, TransportError>;

    /// Tells the others how this node is, and learns how they are.
    ///
    /// # Errors
    /// When nobody was reached.
    async fn announce(&self, beat: Beat) -> Result<Vec<Beat>, TransportError>;

    /// Waits until another node [obeys](crate::mesh::Serve::obey) what the log says up to a position.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`].
    async fn confirm(&self, to: &NodeId, position: Position) -> Result<(), TransportError>;
}

/// A call that another node did not run to its end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The node was not reached, or did not answer; whether it ran the call is unknown.
    #[error("node {node} was not reached")]
    Unreachable {
        /// The node.
        node: NodeId,
    },
    /// The node does not serve the key's shard.
    #[error(transparent)]
    NotOwner(#[from] NotOwner),
    /// The node has more to do than it can.
    #[error("node {node} turned the call away: it has more urgent ones than it can run")]
    Busy {
        /// The node.
        node: NodeId,
    },
    /// The call takes more memory than the node has in all.
    #[error(
        "the call takes {needed} bytes, and node {node} has {has} in all: give it more, or lower the function's `needs`"
    )]
    TooLarge {
        /// The node.
        node: NodeId,
        /// What the call takes.
        needed: u64,
        /// What the node has.
        has: u64,
    },
    /// The node did not get to it in time.
    #[error("node {node} did not get to the call within {patience:?}")]
    Late {
        /// The node.
        node: NodeId,
        /// How long the caller waited.
        patience: Duration,
    },
    /// The function failed.
    #[error("`{function}` failed on node {node}: {reason}")]
    Failed {
        /// The node.
        node: NodeId,
        /// The function.
        function: Arc<str>,
        /// What went wrong.
        reason: String,
    },
}

impl TransportError {
    /// Whether another node may succeed where this one did not.
    #[must_use]
    pub const fn is_about_the_node(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}
