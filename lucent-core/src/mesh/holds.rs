//! What a call holds while it runs: its shard, its place, its count. Each is given back when dropped,
//! so also when the call is given up.

use std::sync::Arc;

use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::mesh::{
    NodeId, NotOwner, Shard,
    mesh_node::{MeshNode, State},
};

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

/// A place to run in, with its memory; goes to those that wait when dropped, also when it is dropped
/// on its way to one of them.
pub(super) struct Place {
    /// Nobody, if it is given back.
    node: Option<MeshNode>,
    memory: u64,
}

/// A call that waits for a place.
pub(super) struct Seat {
    pub(super) call_in: oneshot::Sender<Place>,
    pub(super) memory: u64,
}

impl Place {
    /// A place that is taken.
    pub(super) fn new(node: &MeshNode, memory: u64) -> Self {
        Self { node: Some(node.clone()), memory }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(node) = self.node.take() else { return };
        let now = node.now();
        let mut state = node.lock();
        state.slots.give_back(self.memory);
        loop {
            let State { slots, room, .. } = &mut *state;
            // Those whose deadline has passed are passed over.
            let (next, _late) = room.next(now, |urgency, seat| slots.take(urgency, seat.memory));
            let Some(Seat { call_in, memory }) = next else { return };
            if let Err(mut place) = call_in.send(Self::new(&node, memory)) {
                // Its caller is gone. This place must not take the lock that is held here.
                place.node = None;
                slots.give_back(memory);
            }
        }
    }
}

/// Everything that a call holds while it runs, in the order in which it is given back.
pub(super) struct Admitted<'a> {
    pub(super) _place: Place,
    pub(super) _turn: Option<OwnedMutexGuard<()>>,
    pub(super) _inside: Option<Inside<'a>>,
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
