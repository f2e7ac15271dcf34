//! Where a call goes: a pure function of what this node knows.
//!
//! A call with a key goes to the owner of its shard, whatever the load, so that a key's calls stay
//! in order. Any other one goes to the cheaper of two nodes picked by dice, and stays here if this
//! node is about as cheap: with stale loads, the better of two is nearly as good as the best of all
//! and never sends everybody to the same place. (Mitzenmacher, "The power of two choices in
//! randomized load balancing", 2001.)

use std::{collections::BTreeMap, fmt};

use crate::mesh::{Beat, Load, Members, Needs, NodeId, Ownership, Shard, Standing};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The function, as `name v1`.
    pub function: &'a str,
    /// The key whose calls keep their order.
    pub key: Option<&'a str>,
    /// What it takes.
    pub needs: Needs,
}

/// What a node knows when it routes.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// Which node it is.
    pub me: &'a NodeId,
    /// Who takes part.
    pub members: &'a Members,
    /// Who owns which shard.
    pub ownership: &'a Ownership,
    /// Calls that it has sent to others and that are not answered: their beats may not count them.
    pub sent: &'a BTreeMap<NodeId, u32>,
    /// The time since any fixed moment.
    pub now: std::time::Duration,
}

/// Where a call goes, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The node.
    pub node: NodeId,
    /// Why this one.
    pub reason: RouteReason,
}

/// Why a call goes where it goes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RouteReason {
    /// The node owns the key's shard.
    Owner(Shard),
    /// The only node that can run it.
    OnlyOne,
    /// This node costs about as little as the other that was looked at.
    Here {
        /// What it costs here.
        cost: f64,
        /// What it would cost there.
        other: f64,
    },
    /// The cheaper one of two.
    Cheaper {
        /// What it costs there.
        cost: f64,
        /// What the other would cost.
        other: f64,
    },
}

/// Why a call goes nowhere.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Nowhere {
    /// No node that is there runs the function.
    #[error("no node that is there runs `{function}`: start one whose registry has it")]
    NobodyServes {
        /// The function.
        function: String,
    },
    /// The nodes that run it have no room.
    #[error("every node that runs `{function}` is out of memory for it, or draining")]
    NoRoom {
        /// The function.
        function: String,
    },
    /// The owner of the shard is not heard of, and no other has taken its place yet.
    #[error("{shard} belongs to node {owner}, which is not there: try again in a moment")]
    OwnerGone {
        /// The shard.
        shard: Shard,
        /// Its owner.
        owner: NodeId,
    },
}

/// Decides where a call goes; `dice` are two random numbers.
///
/// # Errors
/// [`Nowhere`], if no node can take it.
pub fn route(call: &Call<'_>, knowledge: &Knowledge<'_>, dice: [u64; 2]) -> Result<Route, Nowhere> {
    match call.key {
        Some(key) => to_owner(call, Shard::of(key), knowledge),
        None => to_cheaper(call, knowledge, dice),
    }
}

fn to_owner(call: &Call<'_>, shard: Shard, knowledge: &Knowledge<'_>) -> Result<Route, Nowhere> {
    let nobody = || Nowhere::NobodyServes { function: call.function.to_owned() };
    let owner = knowledge.ownership.owner(shard).ok_or_else(nobody)?;
    if knowledge.members.standing(owner, knowledge.now) == Standing::Gone {
        return Err(Nowhere::OwnerGone { shard, owner: owner.clone() });
    }
    Ok(Route { node: owner.clone(), reason: RouteReason::Owner(shard) })
}

fn to_cheaper(
    call: &Call<'_>,
    knowledge: &Knowledge<'_>,
    [one, two]: [u64; 2],
) -> Result<Route, Nowhere> {
    let candidates = candidates(call, knowledge)?;
    let count = candidates.len();
    let at = place(one, count);
    let first = &candidates[at];
    if count == 1 {
        return Ok(Route { node: first.node.clone(), reason: RouteReason::OnlyOne });
    }
    // Another one than the first.
    let second = &candidates[(at + 1 + place(two, count - 1)) % count];
    let (best, worst) = match cost(call, first, knowledge) <= cost(call, second, knowledge) {
        true => (first, second),
        false => (second, first),
    };
    let (best_cost, worst_cost) = (cost(call, best, knowledge), cost(call, worst, knowledge));
    let here = candidates.iter().find(|beat| beat.node == *knowledge.me);
    if let Some(here) = here
        && cost(call, here, knowledge) <= best_cost * STAY
    {
        let reason = RouteReason::Here { cost: cost(call, here, knowledge), other: best_cost };
        return Ok(Route { node: here.node.clone(), reason });
    }
    let reason = RouteReason::Cheaper { cost: best_cost, other: worst_cost };
    Ok(Route { node: best.node.clone(), reason })
}

/// The nodes that can take the call: the healthy ones, or if there are none, the late ones.
fn candidates<'a>(call: &Call<'_>, knowledge: &Knowledge<'a>) -> Result<Vec<&'a Beat>, Nowhere> {
    let serving: Vec<_> = knowledge
        .members
        .present(knowledge.now)
        .filter(|(beat, _)| beat.serves.contains(call.function))
        .collect();
    if serving.is_empty() {
        return Err(Nowhere::NobodyServes { function: call.function.to_owned() });
    }
    for wanted in [Standing::Healthy, Standing::Late] {
        let found: Vec<_> = serving
            .iter()
            .filter(|(beat, standing)| *standing == wanted && beat.load.has_room_for(&call.needs))
            .map(|(beat, _)| *beat)
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(Nowhere::NoRoom { function: call.function.to_owned() })
}

/// A node that has seen only shorter calls takes at least as long as this one needs.
fn cost(call: &Call<'_>, beat: &Beat, knowledge: &Knowledge<'_>) -> f64 {
    let sent = knowledge.sent.get(&beat.node).copied().unwrap_or(0);
    let latency = std::cmp::max(beat.load.latency, call.needs.cpu);
    Load { latency, ..beat.load }.cost(&beat.capacity, sent)
}

fn place(dice: u64, length: usize) -> usize {
    usize::try_from(dice % length as u64).expect("a remainder is less than its divisor")
}

impl fmt::Display for RouteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(shard) => write!(f, "it owns {shard}"),
            Self::OnlyOne => f.write_str("no other node can run it"),
            Self::Here { cost, other } => {
                write!(f, "staying costs {cost:.2e}, and the better of two others {other:.2e}")
            }
            Self::Cheaper { cost, other } => {
                write!(f, "it costs {cost:.2e} there, and {other:.2e} at the other one looked at")
            }
        }
    }
}

/// This node is taken if it costs at most so many times what another does: sending costs, too.
const STAY: f64 = 1.25;
