//! The shards that a node serves, and how it hands one over.
//!
//! Invariant: a node takes no call of a shard that it is giving up, and says that it has given it up
//! only after the last call of it has ended; so the next owner begins where this one stopped.

use std::collections::BTreeMap;

use crate::mesh::Shard;

/// What a node serves.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    epoch: u64,
    held: BTreeMap<Shard, Held>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    running: u32,
    is_closing: bool,
}

/// A call came to a node that does not serve its shard.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "this node does not serve {shard} in epoch {epoch}: send it again by a table of that epoch"
)]
pub struct NotOwner {
    /// The shard.
    pub shard: Shard,
    /// The newest epoch that the node knows of.
    pub epoch: u64,
}

impl Gate {
    /// A gate to nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns of a newer table of owners.
    pub fn learn(&mut self, epoch: u64) {
        self.epoch = std::cmp::max(self.epoch, epoch);
    }

    /// Begins to serve a shard.
    pub fn open(&mut self, shard: Shard) {
        self.held.entry(shard).or_default().is_closing = false;
    }

    /// Gives a shard up; whether that is done at once, because nothing of it runs.
    pub fn close(&mut self, shard: Shard) -> bool {
        let Some(held) = self.held.get_mut(&shard) else {
            return true;
        };
        held.is_closing = true;
        self.is_given_up(shard)
    }

    /// A call of a shard begins.
    ///
    /// # Errors
    /// [`NotOwner`] if the shard is not served here, or not any more.
    pub fn enter(&mut self, shard: Shard) -> Result<(), NotOwner> {
        match self.held.get_mut(&shard) {
            Some(held) if !held.is_closing => {
                held.running += 1;
                Ok(())
            }
            _ => Err(NotOwner { shard, epoch: self.epoch }),
        }
    }

    /// A call of a shard has ended; whether the shard is given up by that.
    pub fn leave(&mut self, shard: Shard) -> bool {
        if let Some(held) = self.held.get_mut(&shard) {
            held.running = held.running.saturating_sub(1);
        }
        self.is_given_up(shard)
    }

    /// Every shard that is served or not given up yet.
    pub fn held(&self) -> impl Iterator<Item = Shard> {
        self.held.keys().copied()
    }

    fn is_given_up(&mut self, shard: Shard) -> bool {
        let is_over = |held: &Held| held.is_closing && held.running == 0;
        if self.held.get(&shard).is_some_and(is_over) {
            self.held.remove(&shard);
        }
        !self.held.contains_key(&shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_given_up_after_its_last_call() {
        let shard = Shard::of("BTC-USD");
        let mut gate = Gate::new();
        gate.learn(7);
        assert_eq!(gate.enter(shard), Err(NotOwner { shard, epoch: 7 }));
        gate.open(shard);
        gate.enter(shard).unwrap();
        gate.enter(shard).unwrap();
        assert!(!gate.close(shard));
        gate.enter(shard).unwrap_err();
        assert!(!gate.leave(shard));
        assert!(gate.leave(shard));
        assert_eq!(gate.held().count(), 0);
        assert!(gate.close(shard));
    }

    #[test]
    fn a_shard_that_comes_back_while_it_is_given_up_is_served_on() {
        let shard = Shard::of("BTC-USD");
        let mut gate = Gate::new();
        gate.open(shard);
        gate.enter(shard).unwrap();
        assert!(!gate.close(shard));
        gate.open(shard);
        assert!(!gate.leave(shard));
        gate.enter(shard).unwrap();
    }
}
