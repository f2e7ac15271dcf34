//! Who takes part, judged by who is heard of.
//!
//! Invariant: a node's standing is a function of its newest beat and of the time; nothing else
//! makes a node healthy again.

use std::{collections::BTreeMap, time::Duration};

use crate::mesh::{Beat, NodeId};

/// How often nodes are heard of, and what silence means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BeatPolicy {
    /// The time between two beats of a node.
    pub every: Duration,
    /// After so many missed beats a node gets unkeyed work only if no other can do it.
    pub late_after: u32,
    /// After so many missed beats it is gone, and its shards go to others.
    pub gone_after: u32,
}

impl Default for BeatPolicy {
    /// A beat each 500 ms; late after 3, gone after 10.
    fn default() -> Self {
        Self { every: Duration::from_millis(500), late_after: 3, gone_after: 10 }
    }
}

/// How a node stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// Heard of in time.
    Healthy,
    /// Silent for a while.
    Late,
    /// It finishes what it has.
    Draining,
    /// Silent for so long that it counts as dead, or never heard of.
    Gone,
}

/// The nodes that were heard of.
#[derive(Clone, Debug)]
pub struct Members {
    policy: BeatPolicy,
    heard: BTreeMap<NodeId, Heard>,
}

#[derive(Clone, Debug)]
struct Heard {
    beat: Beat,
    at: Duration,
}

impl Members {
    /// Nobody yet.
    #[must_use]
    pub const fn new(policy: BeatPolicy) -> Self {
        Self { policy, heard: BTreeMap::new() }
    }

    /// Takes a beat in; `now` is the time since any fixed moment. An older beat than the newest is
    /// ignored.
    pub fn heard(&mut self, beat: Beat, now: Duration) {
        let is_old = |known: &Heard| known.beat.sequence >= beat.sequence;
        if !self.heard.get(&beat.node).is_some_and(is_old) {
            self.heard.insert(beat.node.clone(), Heard { beat, at: now });
        }
    }

    /// Forgets a node that has left.
    pub fn left(&mut self, node: &NodeId) {
        self.heard.remove(node);
    }

    /// How a node stands at this time.
    #[must_use]
    pub fn standing(&self, node: &NodeId, now: Duration) -> Standing {
        self.heard.get(node).map_or(Standing::Gone, |heard| self.judge(heard, now))
    }

    /// The newest beat of a node.
    #[must_use]
    pub fn beat(&self, node: &NodeId) -> Option<&Beat> {
        self.heard.get(node).map(|heard| &heard.beat)
    }

    /// Every node that is not gone, in the order of their names.
    pub fn present(&self, now: Duration) -> impl Iterator<Item = (&Beat, Standing)> {
        self.heard
            .values()
            .map(move |heard| (&heard.beat, self.judge(heard, now)))
            .filter(|(_, standing)| *standing != Standing::Gone)
    }

    fn judge(&self, heard: &Heard, now: Duration) -> Standing {
        let silent = now.saturating_sub(heard.at);
        let missed = |beats: u32| silent >= self.policy.every.saturating_mul(beats);
        if missed(self.policy.gone_after) {
            Standing::Gone
        } else if heard.beat.draining {
            Standing::Draining
        } else if missed(self.policy.late_after) {
            Standing::Late
        } else {
            Standing::Healthy
        }
    }
}
