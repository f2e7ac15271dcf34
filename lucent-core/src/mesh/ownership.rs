//! Which node owns which shard.
//!
//! By weighted rendezvous hashing: each node throws one die for each unit of its weight, and the
//! highest one wins the shard. Integers only, so every machine agrees. Invariant: a node that joins
//! only takes shards, and one that leaves only gives them; nobody else's move. (Thaler and
//! Ravishankar, "A name-based mapping scheme for rendezvous", 1996.)

use std::collections::BTreeMap;

use crate::{
    mesh::{NodeId, Shard},
    stable_hash::{mix, stable_hash},
};

/// A table of the owners of all shards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ownership {
    epoch: u64,
    nodes: Vec<NodeId>,
    /// For each shard, the place of its owner in `nodes`.
    owners: Vec<usize>,
    moved: BTreeMap<Shard, NodeId>,
}

impl Ownership {
    /// The table in which nobody owns anything.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { epoch: 0, nodes: Vec::new(), owners: Vec::new(), moved: BTreeMap::new() }
    }

    /// The table for these nodes and weights; `moved` are the shards that load has moved to a node
    /// of its own, as far as that node is there.
    #[must_use]
    pub fn of(epoch: u64, nodes: &BTreeMap<NodeId, u16>, moved: &BTreeMap<Shard, NodeId>) -> Self {
        let names: Vec<NodeId> = nodes.keys().cloned().collect();
        let dice: Vec<(u64, u16)> = nodes
            .iter()
            .map(|(node, &weight)| (stable_hash([node.as_str().as_bytes()]), weight.max(1)))
            .collect();
        let mut owners = Vec::new();
        if !names.is_empty() {
            owners.extend(Shard::all().map(|shard| winner(shard, &dice)));
        }
        let mut kept = BTreeMap::new();
        for (&shard, node) in moved {
            if let Ok(place) = names.binary_search(node) {
                owners[usize::from(shard.number())] = place;
                kept.insert(shard, node.clone());
            }
        }
        Self { epoch, nodes: names, owners, moved: kept }
    }

    /// Grows with each change; a request that carries an older one may be at the wrong node.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The owner of a shard; nobody if there are no nodes.
    #[must_use]
    pub fn owner(&self, shard: Shard) -> Option<&NodeId> {
        self.owners.get(usize::from(shard.number())).map(|&place| &self.nodes[place])
    }

    /// The shards of a node, in order.
    pub fn shards_of(&self, node: &NodeId) -> impl Iterator<Item = Shard> {
        let place = self.nodes.binary_search(node).ok();
        Shard::all()
            .zip(&self.owners)
            .filter(move |&(_, &owner)| Some(owner) == place)
            .map(|(shard, _)| shard)
    }

    /// The shards that load has moved.
    #[must_use]
    pub const fn moved(&self) -> &BTreeMap<Shard, NodeId> {
        &self.moved
    }
}

/// The place of the node that wins the shard.
fn winner(shard: Shard, dice: &[(u64, u16)]) -> usize {
    let highest = |&(node, weight): &(u64, u16)| {
        (0..weight).map(|unit| roll(node, unit, shard)).max().unwrap_or(0)
    };
    // Two equal dice of 64 bits: the first name wins, on every machine.
    let mut best = (0, 0);
    for (place, node) in dice.iter().enumerate() {
        let roll = highest(node);
        if place == 0 || roll > best.1 {
            best = (place, roll);
        }
    }
    best.0
}

fn roll(node: u64, unit: u16, shard: Shard) -> u64 {
    mix(mix(node ^ u64::from(unit)) ^ u64::from(shard.number()))
}
