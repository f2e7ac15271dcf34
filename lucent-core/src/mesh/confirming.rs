//! Asking the other nodes whether they obey what the log says.
//!
//! Invariant: a node counts as obeying when it said so, or when it has been silent for so long that it
//! has stopped by itself; any other one is named.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;

use crate::{
    mesh::{MeshNode, NodeId, Standing, TransportError},
    position::Position,
};

impl MeshNode {
    /// Waits until every other node that is there [obeys](crate::mesh::Serve::obey) what the log says
    /// up to a position. Cancel safe.
    ///
    /// # Errors
    /// The nodes that have not said so in time.
    pub async fn confirm(&self, position: Position, patience: Duration) -> Result<(), Vec<NodeId>> {
        // Whoever joined before this beat is asked; whoever joins after it reads the log first.
        if let Err(error) = self.beat().await {
            tracing::warn!(node = %self.id(), %error, "the other nodes are asked as far as they are known");
        }
        let missing = Mutex::new(self.others());
        let asked: Vec<NodeId> =
            missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let all = asked.iter().map(|node| async {
            self.confirm_by(node, position).await;
            missing.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
        });
        match tokio::time::timeout(patience, join_all(all)).await {
            Ok(_) => Ok(()),
            Err(_) => {
                let missing = missing.into_inner().unwrap_or_else(PoisonError::into_inner);
                Err(missing.into_iter().collect())
            }
        }
    }

    /// Waits until everything here obeys what the log says up to a position. Cancel safe.
    pub async fn obey(&self, position: Position) {
        self.inner.handler.obey(position).await;
    }

    /// The other nodes that are there.
    fn others(&self) -> BTreeSet<NodeId> {
        let state = self.lock();
        let present = state.members.present(self.now()).map(|(beat, _)| &beat.node);
        present.filter(|node| **node != self.inner.id).cloned().collect()
    }

    async fn confirm_by(&self, node: &NodeId, position: Position) {
        loop {
            match self.inner.transport.confirm(node, position).await {
                Ok(()) => return,
                Err(TransportError::Unreachable { .. }) if self.is_gone(node) => return,
                Err(_) => tokio::time::sleep(self.inner.policy.every / PARTS_OF_A_BEAT).await,
            }
        }
    }

    fn is_gone(&self, node: &NodeId) -> bool {
        self.lock().members.standing(node, self.now()) == Standing::Gone
    }
}

/// A node that was not reached is asked again after this part of the time between two beats.
const PARTS_OF_A_BEAT: u32 = 10;
