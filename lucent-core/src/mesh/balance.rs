//! Moves shards from nodes that stay too busy to nodes that stay idle.
//!
//! Invariant: only sustained load moves a shard, one at a time, and never back and forth: a move
//! must leave the receiver less busy than the giver was, and both then rest.

use std::{collections::BTreeMap, time::Duration};

use crate::mesh::{Members, NodeId, Ownership, Shard, Standing};

/// When load moves a shard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BalancePolicy {
    /// A node above this pressure, from 0 to 1, gives.
    pub gives_above: f64,
    /// A node below this pressure takes.
    pub takes_below: f64,
    /// For how long the pressure must have been there.
    pub sustained: Duration,
    /// For how long nodes rest after a move.
    pub rest: Duration,
}

impl Default for BalancePolicy {
    /// Gives above 0.5, takes below 0.2, after 10 seconds, and rests for 30.
    fn default() -> Self {
        Self {
            gives_above: 0.5,
            takes_below: 0.2,
            sustained: Duration::from_secs(10),
            rest: Duration::from_secs(30),
        }
    }
}

/// How much of its owner's load each shard makes, from 0 to 1.
pub type ShardLoad = BTreeMap<Shard, f64>;

/// A shard that is to change its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Move {
    /// Which shard.
    pub shard: Shard,
    /// Who owns it.
    pub from: NodeId,
    /// Who is to own it.
    pub to: NodeId,
}

/// Watches pressure over time.
#[derive(Clone, Debug)]
pub struct Balancer {
    policy: BalancePolicy,
    since: BTreeMap<NodeId, (Side, Duration)>,
    resting: BTreeMap<NodeId, Duration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Gives,
    Takes,
}

impl Balancer {
    /// A balancer that has seen nothing.
    #[must_use]
    pub const fn new(policy: BalancePolicy) -> Self {
        Self { policy, since: BTreeMap::new(), resting: BTreeMap::new() }
    }

    /// Looks at the nodes, at least a few times in [`BalancePolicy::sustained`]; gives a move if one
    /// is due.
    pub fn look(
        &mut self,
        members: &Members,
        ownership: &Ownership,
        loads: &ShardLoad,
        now: Duration,
    ) -> Option<Move> {
        let healthy: BTreeMap<NodeId, f64> = members
            .present(now)
            .filter(|(_, standing)| *standing == Standing::Healthy)
            .map(|(beat, _)| (beat.node.clone(), beat.load.pressure()))
            .collect();
        self.watch(&healthy, now);
        let (from, busy) = self.extreme(&healthy, Side::Gives, now)?;
        let (to, idle) = self.extreme(&healthy, Side::Takes, now)?;
        let shard = best_shard(&from, (busy, idle), ownership, loads)?;
        for node in [&from, &to] {
            self.resting.insert(node.clone(), now + self.policy.rest);
            self.since.remove(node);
        }
        Some(Move { shard, from, to })
    }

    fn watch(&mut self, healthy: &BTreeMap<NodeId, f64>, now: Duration) {
        self.since.retain(|node, _| healthy.contains_key(node));
        self.resting.retain(|_, until| *until > now);
        for (node, &pressure) in healthy {
            let side = if pressure > self.policy.gives_above {
                Some(Side::Gives)
            } else if pressure < self.policy.takes_below {
                Some(Side::Takes)
            } else {
                None
            };
            match (side, self.since.get(node)) {
                (None, _) => drop(self.since.remove(node)),
                (Some(side), Some((known, _))) if *known == side => {}
                (Some(side), _) => drop(self.since.insert(node.clone(), (side, now))),
            }
        }
    }

    /// The busiest node that gives, or the idlest that takes.
    fn extreme(
        &self,
        healthy: &BTreeMap<NodeId, f64>,
        wanted: Side,
        now: Duration,
    ) -> Option<(NodeId, f64)> {
        let ready = healthy.iter().filter(|(node, _)| {
            let long = |(side, since): &(Side, Duration)| {
                *side == wanted && now.saturating_sub(*since) >= self.policy.sustained
            };
            self.since.get(*node).is_some_and(long) && !self.resting.contains_key(*node)
        });
        let found = match wanted {
            Side::Gives => ready.max_by(|one, other| one.1.total_cmp(other.1)),
            Side::Takes => ready.min_by(|one, other| one.1.total_cmp(other.1)),
        };
        found.map(|(node, pressure)| (node.clone(), *pressure))
    }
}

/// The shard whose move brings both nodes closest to each other; none if each would only turn the
/// difference around, as with a node whose whole load is one shard.
fn best_shard(
    from: &NodeId,
    (busy, idle): (f64, f64),
    ownership: &Ownership,
    loads: &ShardLoad,
) -> Option<Shard> {
    let left_over = |load: f64| ((busy - load) - (idle + load)).abs();
    ownership
        .shards_of(from)
        .filter_map(|shard| loads.get(&shard).map(|&load| (shard, load * busy)))
        .filter(|&(_, load)| load > 0.0 && idle + load < busy)
        .min_by(|one, other| left_over(one.1).total_cmp(&left_over(other.1)))
        .map(|(shard, _)| shard)
}
