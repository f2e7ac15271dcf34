//! Who owns which shard, and how few of them move.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lucent_core::mesh::{
    BalancePolicy, Balancer, Beat, BeatPolicy, Capacity, Load, Members, Move, NodeId, Ownership,
    Shard, ShardLoad,
};
use proptest::prelude::*;

fn nodes() -> impl Strategy<Value = BTreeMap<NodeId, u16>> {
    proptest::collection::btree_map("[a-z]{1,8}", 1_u16..5, 1..8).prop_map(|nodes| {
        nodes.into_iter().map(|(name, weight)| (NodeId::new(name), weight)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_node_that_joins_only_takes_and_one_that_leaves_only_gives(
        before in nodes(),
        name in "[A-Z]{3}",
        weight in 1_u16..5,
    ) {
        let joined = NodeId::new(name);
        let mut after = before.clone();
        after.insert(joined.clone(), weight);
        let before = Ownership::of(1, &before, &BTreeMap::new());
        let after = Ownership::of(2, &after, &BTreeMap::new());
        for shard in Shard::all() {
            let owner = after.owner(shard);
            prop_assert!(owner == before.owner(shard) || owner == Some(&joined));
        }
    }
}

fn shares(nodes: &[(&str, u16)]) -> Vec<usize> {
    let weights = nodes.iter().map(|&(name, weight)| (name.into(), weight)).collect();
    let ownership = Ownership::of(1, &weights, &BTreeMap::new());
    nodes.iter().map(|&(name, _)| ownership.shards_of(&name.into()).count()).collect()
}

#[test]
fn shards_are_spread_by_weight() {
    let even = shares(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]);
    assert_eq!(even.iter().sum::<usize>(), usize::from(Shard::COUNT));
    assert!(even.iter().all(|count| (700..940).contains(count)), "{even:?}");
    let weighted = shares(&[("a", 1), ("b", 3)]);
    assert!((2_900..3_250).contains(&weighted[1]), "{weighted:?}");
}

#[test]
fn nobody_owns_anything_where_nobody_is() {
    let ownership = Ownership::of(1, &BTreeMap::new(), &BTreeMap::new());
    assert_eq!(ownership.owner(Shard::of("BTC-USD")), None);
}

#[test]
fn a_moved_shard_stays_where_it_is_until_that_node_leaves() {
    let three: BTreeMap<NodeId, u16> =
        ["a", "b", "c"].into_iter().map(|name| (name.into(), 1)).collect();
    let first = Ownership::of(1, &three, &BTreeMap::new());
    let shard = first.shards_of(&"a".into()).next().unwrap();
    let moved = BTreeMap::from([(shard, NodeId::new("b"))]);
    let second = Ownership::of(2, &three, &moved);
    assert_eq!(second.owner(shard), Some(&"b".into()));
    assert_eq!(second.moved(), &moved);
    let mut two = three;
    two.remove(&NodeId::new("b"));
    let third = Ownership::of(3, &two, second.moved());
    assert_eq!(third.owner(shard), Some(&"a".into()));
    assert!(third.moved().is_empty());
}

const CAPACITY: Capacity = Capacity { weight: 1, slots: 8, memory: 1 << 30 };

/// Pressures over time, and the moves that the balancer makes of them.
fn moves(pressures: impl Fn(u64) -> [f64; 3], seconds: u64, loads: &ShardLoad) -> Vec<Move> {
    let names = ["a", "b", "c"].map(NodeId::from);
    let weights: BTreeMap<NodeId, u16> = names.iter().map(|node| (node.clone(), 1)).collect();
    let ownership = Ownership::of(1, &weights, &BTreeMap::new());
    let mut members = Members::new(BeatPolicy::default());
    let mut balancer = Balancer::new(BalancePolicy::default());
    let mut moves = Vec::new();
    for second in 0..seconds {
        let now = Duration::from_secs(second);
        for (node, cpu_pressure) in names.iter().zip(pressures(second)) {
            let beat = Beat {
                node: node.clone(),
                sequence: second + 1,
                capacity: CAPACITY,
                load: Load { cpu_pressure, ..Load::idle(&CAPACITY) },
                serves: Arc::default(),
                draining: false,
                counts: Default::default(),
            };
            members.heard(beat, now);
        }
        moves.extend(balancer.look(&members, &ownership, loads, now));
    }
    moves
}

/// Each shard makes the same small part of its owner's load.
fn small_loads() -> ShardLoad {
    Shard::all().map(|shard| (shard, 0.01)).collect()
}

#[test]
fn sustained_load_moves_a_shard_and_then_rests() {
    let moves = moves(|_| [0.9, 0.4, 0.05], 60, &small_loads());
    assert_eq!(moves.len(), 2, "{moves:?}");
    assert!(moves.iter().all(|one| one.from == "a".into() && one.to == "c".into()));
}

#[test]
fn a_peak_that_passes_moves_nothing() {
    let saw = |second: u64| if second % 9 < 8 { [0.9, 0.1, 0.1] } else { [0.3, 0.1, 0.1] };
    assert_eq!(moves(saw, 120, &small_loads()), []);
}

#[test]
fn a_shard_that_is_the_whole_load_stays_where_it_is() {
    let whole: ShardLoad = Shard::all().map(|shard| (shard, 1.0)).collect();
    assert_eq!(moves(|_| [0.9, 0.1, 0.1], 120, &whole), []);
}

#[test]
fn even_load_moves_nothing() {
    assert_eq!(moves(|_| [0.9, 0.9, 0.9], 120, &small_loads()), []);
}
