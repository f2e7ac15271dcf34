//! Five simulated nodes: slow, stale, dead and new ones. Time is a number here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use lucent_core::mesh::{
    Beat, BeatPolicy, Call, Capacity, Knowledge, Load, Members, Needs, NodeId, Nowhere, Ownership,
    PeakLatency, RouteReason, Standing, route,
};

const CAPACITY: Capacity = Capacity { weight: 1, slots: 4, memory: 1 << 30 };

fn fee(key: Option<&str>) -> Call<'_> {
    Call { function: "fee v1", key, needs: Needs { memory: 1 << 10, ..Needs::default() } }
}

fn serves() -> Arc<BTreeSet<Arc<str>>> {
    Arc::new(BTreeSet::from(["fee v1".into()]))
}

/// A node that runs one call after another.
struct Server {
    id: NodeId,
    takes: Duration,
    /// When each call that it has ends.
    ends: Vec<Duration>,
    latency: PeakLatency,
    served: usize,
    is_dead: bool,
}

/// Routers somewhere else, which know of the servers what their beats say, and of each other nothing.
struct Simulation {
    servers: Vec<Server>,
    routers: usize,
    members: Members,
    beat_every: Duration,
    dice: u64,
    sequence: u64,
}

impl Simulation {
    fn new(takes: &[u64], beat_every: Duration) -> Self {
        let servers = takes.iter().enumerate().map(|(number, &micros)| Server {
            id: NodeId::new(format!("node-{number}")),
            takes: Duration::from_micros(micros),
            ends: Vec::new(),
            latency: PeakLatency::new(Duration::from_secs(10)),
            served: 0,
            is_dead: false,
        });
        let policy = BeatPolicy { every: beat_every, ..BeatPolicy::default() };
        Self {
            servers: servers.collect(),
            routers: 1,
            members: Members::new(policy),
            beat_every,
            dice: 1,
            sequence: 0,
        }
    }

    /// Sends a call each `gap`, from one time to another; gives the calls that went to dead nodes.
    fn run(&mut self, from: Duration, to: Duration, gap: Duration) -> usize {
        let (mut now, mut next_beat, mut lost) = (from, from, 0);
        let (mut sent, me) =
            (vec![BTreeMap::<NodeId, u32>::new(); self.routers], NodeId::new("router"));
        let mut turns = (0..self.routers).cycle();
        while now < to {
            if now >= next_beat {
                next_beat += self.beat_every;
                sent.iter_mut().for_each(BTreeMap::clear);
                self.beat(now);
            }
            let sent = &mut sent[turns.next().expect("there is a router")];
            let ownership = Ownership::nobody();
            let knowledge =
                Knowledge { me: &me, members: &self.members, ownership: &ownership, sent, now };
            let dice = [random(&mut self.dice), random(&mut self.dice)];
            let target = route(&fee(None), &knowledge, dice).unwrap().node;
            *sent.entry(target.clone()).or_default() += 1;
            let server = self.servers.iter_mut().find(|server| server.id == target).unwrap();
            if server.is_dead {
                lost += 1;
            } else {
                let start = server.ends.last().map_or(now, |&last| std::cmp::max(last, now));
                let end = start + server.takes;
                server.ends.push(end);
                server.served += 1;
                server.latency.saw(end - now, now);
            }
            now += gap;
        }
        lost
    }

    fn beat(&mut self, now: Duration) {
        self.sequence += 1;
        for server in self.servers.iter_mut().filter(|server| !server.is_dead) {
            server.ends.retain(|&end| end > now);
            let load = Load {
                in_flight: u32::try_from(server.ends.len()).unwrap(),
                latency: server.latency.mean(),
                ..Load::idle(&CAPACITY)
            };
            let beat = Beat {
                node: server.id.clone(),
                sequence: self.sequence,
                capacity: CAPACITY,
                load,
                serves: serves(),
                draining: false,
                counts: Default::default(),
            };
            self.members.heard(beat, now);
        }
    }

    fn shares(&self) -> Vec<f64> {
        let all: usize = self.servers.iter().map(|server| server.served).sum();
        self.servers.iter().map(|server| server.served as f64 / all as f64).collect()
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers in each run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const SECOND: Duration = Duration::from_secs(1);
const BEAT: Duration = Duration::from_millis(500);

#[test]
fn equal_nodes_get_equal_shares() {
    let mut five = Simulation::new(&[1_000; 5], BEAT);
    five.run(Duration::ZERO, 10 * SECOND, Duration::from_micros(400));
    let shares = five.shares();
    assert!(shares.iter().all(|share| (0.15..0.25).contains(share)), "{shares:?}");
}

#[test]
fn a_slow_node_of_five_gets_little_and_holds_up_nobody() {
    let mut five = Simulation::new(&[1_000, 1_000, 20_000, 1_000, 1_000], BEAT);
    five.run(Duration::ZERO, 20 * SECOND, Duration::from_micros(400));
    let shares = five.shares();
    assert!(shares[2] < 0.03, "{shares:?}");
    assert!(shares.iter().all(|share| *share < 0.35), "{shares:?}");
}

#[test]
fn loads_that_are_seconds_old_do_not_send_everybody_to_one_node() {
    let mut five = Simulation::new(&[1_000; 5], 5 * SECOND);
    five.run(Duration::ZERO, 30 * SECOND, Duration::from_micros(400));
    let shares = five.shares();
    assert!(shares.iter().all(|share| (0.1..0.3).contains(share)), "{shares:?}");
}

#[test]
fn a_new_idle_node_is_not_run_over() {
    let mut five = Simulation::new(&[1_000; 5], BEAT);
    five.servers[4].is_dead = true;
    five.run(Duration::ZERO, 10 * SECOND, Duration::from_micros(500));
    let before: Vec<_> = five.servers.iter().map(|server| server.served).collect();
    five.servers[4].is_dead = false;
    five.run(10 * SECOND, 11 * SECOND, Duration::from_micros(500));
    let during: Vec<_> =
        five.servers.iter().zip(before).map(|(server, before)| server.served - before).collect();
    let all: usize = during.iter().sum();
    assert!((all / 10..all / 2).contains(&during[4]), "{during:?}");
}

#[test]
fn a_herd_of_routers_that_know_nothing_of_each_other_does_not_run_over_the_idlest_node() {
    let mut five = Simulation::new(&[1_000; 5], BEAT);
    five.routers = 100;
    // Four nodes are busy for a second, and all routers hear of it by the same beat.
    for server in &mut five.servers[..4] {
        server.ends = (1..=1_000).map(Duration::from_millis).collect();
    }
    five.run(Duration::ZERO, BEAT, Duration::from_micros(500));
    let shares = five.shares();
    assert!((0.2..0.45).contains(&shares[4]), "{shares:?}");
    // Two of five are looked at, so it gets two fifths at most, also while the others are remembered
    // as slow; that is less than it can do, and nothing piles up.
    five.run(BEAT, 10 * SECOND, Duration::from_micros(500));
    let (shares, now) = (five.shares(), 10 * SECOND);
    assert!(shares[4] < 0.45, "{shares:?}");
    let waiting = five.servers[4].ends.iter().filter(|&&end| end > now).count();
    assert!(waiting < 100, "{waiting} calls wait");
}

#[test]
fn a_dead_node_gets_nothing_once_its_beats_are_missed() {
    let mut five = Simulation::new(&[1_000; 5], BEAT);
    five.run(Duration::ZERO, 5 * SECOND, Duration::from_micros(400));
    five.servers[1].is_dead = true;
    let lost = five.run(5 * SECOND, 7 * SECOND, Duration::from_micros(400));
    assert!(lost > 0);
    assert_eq!(five.run(7 * SECOND, 15 * SECOND, Duration::from_micros(400)), 0);
    assert_eq!(five.members.standing(&"node-1".into(), 15 * SECOND), Standing::Gone);
}

/// Nodes of these names and loads, heard of at time zero.
fn heard(loads: &[(&str, Load)]) -> Members {
    let mut members = Members::new(BeatPolicy::default());
    for (name, load) in loads {
        let beat = Beat {
            node: (*name).into(),
            sequence: 1,
            capacity: CAPACITY,
            load: *load,
            serves: serves(),
            draining: false,
            counts: Default::default(),
        };
        members.heard(beat, Duration::ZERO);
    }
    members
}

#[test]
fn a_call_stays_here_unless_another_node_is_clearly_cheaper() {
    let idle = Load { latency: Duration::from_millis(1), ..Load::idle(&CAPACITY) };
    let busy = Load { in_flight: 9, ..idle };
    let (me, ownership, sent) = (NodeId::new("a"), Ownership::nobody(), BTreeMap::new());
    let reason = |here: Load| {
        let members = heard(&[("a", here), ("b", idle)]);
        let (members, ownership, sent) = (&members, &ownership, &sent);
        let knowledge = Knowledge { me: &me, members, ownership, sent, now: Duration::ZERO };
        route(&fee(None), &knowledge, [0, 0]).unwrap().reason
    };
    assert!(matches!(reason(idle), RouteReason::Here { .. }));
    assert!(matches!(reason(busy), RouteReason::Cheaper { .. }));
}

#[test]
fn what_cannot_be_routed_says_why() {
    let full = Load { free_memory: 0, ..Load::idle(&CAPACITY) };
    let members = heard(&[("a", full)]);
    let me = NodeId::new("a");
    let weights = BTreeMap::from([(NodeId::new("lost"), 1)]);
    let (ownership, sent) = (Ownership::of(1, &weights, &BTreeMap::new()), BTreeMap::new());
    let knowledge = Knowledge {
        me: &me,
        members: &members,
        ownership: &ownership,
        sent: &sent,
        now: Duration::ZERO,
    };
    let refused = |call: &Call<'_>| route(call, &knowledge, [0, 0]).unwrap_err();
    assert!(matches!(refused(&fee(None)), Nowhere::NoRoom { .. }));
    assert!(matches!(refused(&fee(Some("BTC-USD"))), Nowhere::OwnerGone { .. }));
    let unknown = Call { function: "tax v1", ..fee(None) };
    assert_eq!(
        refused(&unknown).to_string(),
        "no node that is there runs `tax v1`: start one whose registry has it"
    );
}
