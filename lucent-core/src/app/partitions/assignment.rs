//! Which partitions a node should take, and which it should give up.
//!
//! Invariant: pure and without randomness, so that nodes that see the same leases choose moves that
//! fit together: nobody takes what another one is about to take, and nobody holds more than its
//! share for longer than it takes to give it up.

use std::{collections::BTreeSet, sync::Arc};

/// A node, by the name under which it holds its leases.
pub(crate) type Node = Arc<str>;

/// What a node should do, in this order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Moves {
    pub(crate) release: Vec<u32>,
    pub(crate) acquire: Vec<u32>,
}

/// The moves of a node that sees these nodes alive (itself among them) and these holders of the
/// partitions, in their order.
///
/// Shares differ by one at most. Who holds most keeps the larger ones, so that as little as possible
/// moves; what a dead node holds is left alone until its lease is over.
pub(crate) fn moves(me: &Node, nodes: &BTreeSet<Node>, holders: &[Option<Node>]) -> Moves {
    let shares = shares(nodes, holders);
    let mut free = (0..).zip(holders).filter(|(_, holder)| holder.is_none()).map(|(part, _)| part);
    let mut moves = Moves::default();
    for (node, share) in shares {
        let held: Vec<u32> = (0..)
            .zip(holders)
            .filter(|(_, holder)| holder.as_ref() == Some(node))
            .map(|(part, _)| part)
            .collect();
        // Each node passes over what those before it are about to take.
        let wanted: Vec<u32> = free.by_ref().take(share.saturating_sub(held.len())).collect();
        if node == me {
            moves.release = held.into_iter().skip(share).collect();
            moves.acquire = wanted;
            return moves;
        }
    }
    moves
}

/// How many partitions each node should hold; who holds most comes first.
fn shares<'a>(
    nodes: &'a BTreeSet<Node>,
    holders: &[Option<Node>],
) -> impl Iterator<Item = (&'a Node, usize)> {
    let held = |node: &Node| holders.iter().flatten().filter(|holder| *holder == node).count();
    let mut order: Vec<&Node> = nodes.iter().collect();
    // The sort is stable, so that nodes with equally many stand in the order of their names.
    order.sort_by_key(|node| std::cmp::Reverse(held(node)));
    let count = std::cmp::max(1, order.len());
    let (share, larger) = (holders.len() / count, holders.len() % count);
    order
        .into_iter()
        .enumerate()
        .map(move |(rank, node)| (node, share + usize::from(rank < larger)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A store of leases without time: what has happened so far.
    #[derive(Clone, Debug, Default)]
    struct World {
        alive: BTreeSet<Node>,
        holders: Vec<Option<Node>>,
    }

    /// What happens to the nodes.
    #[derive(Clone, Debug)]
    enum Happening {
        Joins(u8),
        /// It gives its leases back.
        Leaves(u8),
        /// Its leases stay until they are over.
        Dies(u8),
        /// The leases of the dead are over.
        TimePasses,
        /// A node makes its moves, seeing what is so.
        Acts(u8),
        /// Every node makes its moves, seeing what was so before.
        AllAct,
    }

    fn node(number: u8) -> Node {
        format!("node {number}").into()
    }

    impl World {
        fn of(partitions: usize) -> Self {
            Self { alive: BTreeSet::new(), holders: vec![None; partitions] }
        }

        fn happen(&mut self, happening: &Happening) {
            match happening {
                Happening::Joins(number) => {
                    self.alive.insert(node(*number));
                }
                Happening::Leaves(number) => {
                    let gone = node(*number);
                    self.alive.remove(&gone);
                    self.free(|holder| *holder == gone);
                }
                Happening::Dies(number) => {
                    self.alive.remove(&node(*number));
                }
                Happening::TimePasses => {
                    let alive = self.alive.clone();
                    self.free(|holder| !alive.contains(holder));
                }
                Happening::Acts(number) => {
                    let before = self.clone();
                    self.act(&node(*number), &before);
                }
                Happening::AllAct => {
                    let before = self.clone();
                    for node in &before.alive {
                        self.act(node, &before);
                    }
                }
            }
        }

        fn free(&mut self, gone: impl Fn(&Node) -> bool) {
            for holder in &mut self.holders {
                if holder.as_ref().is_some_and(&gone) {
                    *holder = None;
                }
            }
        }

        /// A node makes the moves that it chose when it saw the world as it was.
        fn act(&mut self, node: &Node, seen: &Self) {
            if !self.alive.contains(node) {
                return;
            }
            let moves = moves(node, &seen.alive, &seen.holders);
            for part in moves.release {
                let holder = &mut self.holders[part as usize];
                assert_eq!(holder.as_ref(), Some(node), "nodes give up what is theirs");
                *holder = None;
            }
            for part in moves.acquire {
                let holder = &mut self.holders[part as usize];
                if holder.is_none() {
                    *holder = Some(Arc::clone(node));
                }
            }
        }

        /// Lets the leases of the dead end and the nodes act until nothing moves; how often.
        fn settle(&mut self) -> usize {
            self.happen(&Happening::TimePasses);
            for round in 0..100 {
                let before = self.holders.clone();
                self.happen(&Happening::AllAct);
                if self.holders == before {
                    return round;
                }
            }
            panic!("it never settles: {self:?}");
        }

        fn held(&self) -> BTreeMap<Node, usize> {
            let mut held: BTreeMap<Node, usize> =
                self.alive.iter().map(|node| (Arc::clone(node), 0)).collect();
            for holder in self.holders.iter().flatten() {
                *held.entry(Arc::clone(holder)).or_default() += 1;
            }
            held
        }

        fn assert_balanced(&self) {
            let held = self.held();
            if held.is_empty() {
                return;
            }
            assert!(self.holders.iter().all(Option::is_some), "left alone: {self:?}");
            let (least, most) = (held.values().min(), held.values().max());
            assert!(most.unwrap() - least.unwrap() <= 1, "unequal shares: {held:?}");
        }
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        let happening = prop_oneof![
            (0..6_u8).prop_map(Happening::Joins),
            (0..6_u8).prop_map(Happening::Leaves),
            (0..6_u8).prop_map(Happening::Dies),
            Just(Happening::TimePasses),
            (0..6_u8).prop_map(Happening::Acts),
            Just(Happening::AllAct),
        ];
        prop::collection::vec(happening, 0..40)
    }

    /// How many partitions have another holder than before.
    fn moved(before: &[Option<Node>], after: &[Option<Node>]) -> usize {
        before.iter().zip(after).filter(|(before, after)| before != after).count()
    }

    proptest! {
        #[test]
        fn whatever_happens_the_shares_are_even_after_three_rounds(
            partitions in 1..40_usize,
            happenings in happenings(),
        ) {
            let mut world = World::of(partitions);
            for happening in &happenings {
                world.happen(happening);
            }
            let rounds = world.settle();
            world.assert_balanced();
            // One to give up and one to take; a late one where views had differed.
            prop_assert!(rounds <= 3, "{rounds} rounds");
        }

        #[test]
        fn nodes_that_see_the_same_never_want_the_same(
            partitions in 1..40_usize,
            happenings in happenings(),
        ) {
            let mut world = World::of(partitions);
            for happening in &happenings {
                world.happen(happening);
            }
            let mut wanted = BTreeSet::new();
            for node in &world.alive {
                for part in moves(node, &world.alive, &world.holders).acquire {
                    prop_assert!(wanted.insert(part), "two nodes want {part}: {world:?}");
                    prop_assert_eq!(&world.holders[part as usize], &None);
                }
            }
        }

        #[test]
        fn a_node_that_joins_takes_its_share_and_nothing_else_moves(
            partitions in 1..40_usize,
            nodes in 1..6_u8,
        ) {
            let mut world = World::of(partitions);
            (0..nodes).for_each(|number| world.happen(&Happening::Joins(number)));
            world.settle();
            let before = world.holders.clone();
            world.happen(&Happening::Joins(nodes));
            world.settle();
            let share = partitions / (usize::from(nodes) + 1);
            prop_assert_eq!(moved(&before, &world.holders), share);
            prop_assert_eq!(world.held()[&node(nodes)], share);
        }

        #[test]
        fn when_a_node_leaves_only_its_own_partitions_move(
            partitions in 1..40_usize,
            nodes in 2..6_u8,
            leaver in 0..6_u8,
            dies in any::<bool>(),
        ) {
            let mut world = World::of(partitions);
            (0..nodes).for_each(|number| world.happen(&Happening::Joins(number)));
            world.settle();
            let (before, leaver) = (world.holders.clone(), leaver % nodes);
            let share = world.held()[&node(leaver)];
            world.happen(&if dies { Happening::Dies(leaver) } else { Happening::Leaves(leaver) });
            world.settle();
            world.assert_balanced();
            prop_assert_eq!(moved(&before, &world.holders), share);
        }
    }

    #[test]
    fn what_a_dead_node_holds_is_left_alone_until_its_lease_is_over() {
        let mut world = World::of(4);
        world.happen(&Happening::Joins(1));
        world.settle();
        world.happen(&Happening::Dies(1));
        world.happen(&Happening::Joins(2));
        world.happen(&Happening::AllAct);
        assert_eq!(world.held()[&node(1)], 4);
        world.happen(&Happening::TimePasses);
        world.happen(&Happening::AllAct);
        assert_eq!(world.held()[&node(2)], 4);
    }

    #[test]
    fn more_nodes_than_partitions_leave_some_without() {
        let mut world = World::of(2);
        (0..5).for_each(|number| world.happen(&Happening::Joins(number)));
        world.settle();
        world.assert_balanced();
        let without = world.held().values().filter(|held| **held == 0).count();
        assert_eq!(without, 3);
    }
}
