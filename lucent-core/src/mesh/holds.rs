//! What a call holds while it runs: its shard, its place, its count. Each is given back when dropped,
//! so also when the call is given up.

use std::sync::Arc;

use crate::mesh::{NodeId, NotOwner, Shard, mesh_node::MeshNode};

/// A call inside a shard; leaves it when dropped.
pub(super) struct Inside<'a> {
    node: &'a MeshNode,
    shard: Shard,
}

impl<'a> Inside<'a> {
    pub(super) fn enter(node: &'a MeshNode, shard: Shard) -> Result<Self, NotOwner> {
        let now = node.now();
        let mut state = node.lock();
        if now.saturating_sub(state.contact) >= node.patience_of_others() {
            // The others may have given this node up, and its shards to somebody else.
            return Err(NotOwner { shard, epoch: state.ownership.epoch() });
        }
        state.gate.enter(shard)?;
        Ok(Self { node, shard })
    }

    /// The line of the shard's calls.
    pub(super) fn line(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.node.lock().lines.entry(self.shard).or_default())
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut state = self.node.lock();
        if state.gate.leave(self.shard) {
            state.lines.remove(&self.shard);
            drop(state);
            self.node.gave_up_a_shard();
        }
    }
}

/// A place to run in; goes to the next one that waits when dropped.
pub(super) struct Place<'a>(pub(super) &'a MeshNode);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let now = self.0.now();
        let mut state = self.0.lock();
        // Those whose callers are gone, or whose deadline has passed, are passed over.
        while let (Some(next), _late) = state.room.next(now) {
            if next.send(()).is_ok() {
                return;
            }
        }
        state.slots.give_back();
    }
}

/// Counts a call that is on its way to another node.
pub(super) struct Sent<'a> {
    from: &'a MeshNode,
    to: &'a NodeId,
}

impl<'a> Sent<'a> {
    pub(super) fn count(from: &'a MeshNode, to: &'a NodeId) -> Self {
        *from.lock().sent.entry(to.clone()).or_default() += 1;
        Self { from, to }
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let mut state = self.from.lock();
        if let Some(count) = state.sent.get_mut(self.to) {
            *count -= 1;
            if *count == 0 {
                state.sent.remove(self.to);
            }
        }
    }
}
