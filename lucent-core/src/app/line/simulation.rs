//! Drives the line through orders of events that a real store rarely shows.
//!
//! Invariant checked: whatever the order of outcomes, failures and dropped callers, everything that
//! was written or reported could have been done one command after another.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::{
    app::{
        Loaded,
        line::waiting::{Departure, Entry, GroupId, Waiting},
    },
    event::CommandId,
    position::{Position, Version},
};

/// A state is its whole history, so a decision can be held against what it was made on.
type History = Vec<u64>;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A command comes that adds so many events, and is decided.
    Decide { events: usize, with_id: bool, alone: bool },
    /// A command takes the state, then another step happens, then it is decided.
    Hesitate { events: usize },
    /// User code panics on the state.
    Panic,
    /// The first group that waits is sent.
    Send,
    /// The store judges what was sent.
    Judge,
    /// The store refuses what was sent.
    Refuse,
    /// The store's answer arrives.
    Arrive,
    /// The callers of a group are gone.
    Abandon { ride: usize },
    /// Another process appends.
    Interfere,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize, prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(events, with_id, alone)| Step::Decide { events, with_id, alone }),
        1 => (0..3_usize).prop_map(|events| Step::Hesitate { events }),
        1 => Just(Step::Panic),
        4 => Just(Step::Send),
        4 => Just(Step::Judge),
        1 => Just(Step::Refuse),
        4 => Just(Step::Arrive),
        1 => (0..4_usize).prop_map(|ride| Step::Abandon { ride }),
        1 => Just(Step::Interfere),
    ]
}

/// What a command decided, and on what.
#[derive(Clone, Debug)]
struct Member {
    /// How long the log was when the command came.
    came_at: usize,
    seen: History,
    events: Vec<u64>,
}

#[derive(Debug)]
enum Stage {
    Waits,
    Sent(Departure<u64>),
    Judged { won: bool },
}

#[derive(Debug)]
struct Ride {
    id: GroupId,
    members: Vec<Member>,
    stage: Stage,
}

struct World {
    line: Waiting<History, u64>,
    /// The stream as it is stored.
    log: History,
    /// Groups in their order, until they have arrived.
    rides: Vec<Ride>,
    /// The history that each event of ours was decided on.
    grounds: HashMap<u64, History>,
    /// Events that must be in the log at the end, and that must not.
    acknowledged: Vec<u64>,
    refused: Vec<u64>,
    last_event: u64,
    /// Commands that have to be decided again, once it is their turn.
    again: Vec<Member>,
}

impl World {
    fn new() -> Self {
        Self {
            line: Waiting::new(),
            log: Vec::new(),
            rides: Vec::new(),
            grounds: HashMap::new(),
            acknowledged: Vec::new(),
            refused: Vec::new(),
            last_event: 0,
            again: Vec::new(),
        }
    }

    fn run(&mut self, steps: &[Step]) {
        let mut steps = steps.iter().copied();
        while let Some(step) = steps.next() {
            match step {
                Step::Hesitate { events } => {
                    let came_at = self.log.len();
                    let taken = self.line.take();
                    let loaded = taken.loaded.unwrap_or_else(|| self.load());
                    match steps.next() {
                        // Commands are decided in turn, so no other one comes meanwhile.
                        Some(Step::Decide { .. } | Step::Hesitate { .. } | Step::Panic) | None => {}
                        Some(step) => self.step(step),
                    }
                    let entry = self.entry(events, false, false);
                    self.decide(taken.era, loaded, came_at, entry);
                }
                step => self.step(step),
            }
            self.decide_again();
        }
        while let Some(ride) = self.rides.first() {
            let step = match ride.stage {
                Stage::Waits => Step::Send,
                Stage::Sent(_) => Step::Judge,
                Stage::Judged { .. } => Step::Arrive,
            };
            self.step(step);
            self.decide_again();
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Decide { events, with_id, alone } => {
                let entry = self.entry(events, with_id, alone);
                self.come(self.log.len(), entry);
            }
            Step::Panic => drop(self.line.take()),
            Step::Send => self.send(),
            Step::Judge => self.judge(),
            Step::Refuse => self.refuse(),
            Step::Arrive => self.arrive(),
            Step::Abandon { ride } => self.abandon(ride),
            Step::Interfere => {
                let event = self.event();
                self.log.push(event);
            }
            Step::Hesitate { .. } => {}
        }
    }

    fn event(&mut self) -> u64 {
        self.last_event += 1;
        self.last_event
    }

    fn entry(&mut self, events: usize, with_id: bool, alone: bool) -> Entry<u64> {
        let events = (0..events).map(|_| self.event()).collect();
        let command = with_id.then(|| (CommandId::new(), bytes::Bytes::new()));
        Entry { events, bytes: 1, command, alone }
    }

    fn load(&self) -> Loaded<History> {
        let version = Version::new(self.log.len() as u64);
        let position = Position::new(version.get());
        Loaded { state: self.log.clone(), version, position, snapshot: Version::ZERO }
    }

    /// A command is decided on the newest state.
    fn come(&mut self, came_at: usize, entry: Entry<u64>) {
        let taken = self.line.take();
        let loaded = taken.loaded.unwrap_or_else(|| self.load());
        self.decide(taken.era, loaded, came_at, entry);
    }

    fn decide(&mut self, era: u64, mut loaded: Loaded<History>, came_at: usize, entry: Entry<u64>) {
        let member = Member { came_at, seen: loaded.state.clone(), events: entry.events.clone() };
        assert_eq!(loaded.version.get(), loaded.state.len() as u64);
        let base = loaded.version;
        for &event in &entry.events {
            self.grounds.insert(event, loaded.state.clone());
            loaded.state.push(event);
        }
        loaded.version = base.plus(entry.events.len());
        // A decision that comes to nothing is made again; here the command is gone then.
        let Some(id) = self.line.join(era, base, loaded, entry) else {
            self.refused.extend(member.events);
            return;
        };
        match self.rides.last_mut().filter(|ride| ride.id == id) {
            Some(ride) => ride.members.push(member),
            None => self.rides.push(Ride { id, members: vec![member], stage: Stage::Waits }),
        }
    }

    /// A group is sent when the one before it has arrived.
    fn send(&mut self) {
        let Some(ride) = self.rides.first_mut().filter(|ride| matches!(ride.stage, Stage::Waits))
        else {
            return;
        };
        match self.line.depart(ride.id) {
            Some(departure) => {
                let events: Vec<u64> =
                    ride.members.iter().flat_map(|one| &one.events).copied().collect();
                assert_eq!(departure.events, events);
                assert_eq!(departure.entries, ride.members.len());
                ride.stage = Stage::Sent(departure);
            }
            None => {
                let ride = self.rides.remove(0);
                self.again.extend(ride.members);
            }
        }
    }

    fn judge(&mut self) {
        let Some(ride) = self.rides.first_mut() else {
            return;
        };
        let Stage::Sent(departure) = &ride.stage else {
            return;
        };
        let won = departure.base.get() == self.log.len() as u64;
        if won {
            // What is reported once this has arrived is true now.
            for member in &ride.members {
                assert!(member.seen.len() >= member.came_at, "decided on an old state");
            }
            self.log.extend(&departure.events);
            for member in &ride.members {
                assert!(self.log.starts_with(&member.seen), "decided on a state that never was");
            }
        }
        ride.stage = Stage::Judged { won };
    }

    fn refuse(&mut self) {
        if !self.rides.first().is_some_and(|ride| matches!(ride.stage, Stage::Sent(_))) {
            return;
        }
        let ride = self.rides.remove(0);
        self.line.discard(ride.id);
        self.refused.extend(ride.members.into_iter().flat_map(|member| member.events));
    }

    fn arrive(&mut self) {
        let Some(Ride { stage: Stage::Judged { won }, .. }) = self.rides.first() else {
            return;
        };
        let won = *won;
        let ride = self.rides.remove(0);
        if won {
            let position = Position::new(self.log.len() as u64);
            self.line.confirm(ride.id, position);
            // A journey that ends discards its group, which changes nothing now.
            self.line.discard(ride.id);
            self.acknowledged.extend(ride.members.into_iter().flat_map(|member| member.events));
        } else {
            self.line.discard(ride.id);
            self.again.extend(ride.members);
        }
    }

    /// The callers of a group are gone, and with them its events, unless the store has them.
    fn abandon(&mut self, ride: usize) {
        // Whoever waits for a later group keeps the earlier ones going.
        if ride + 1 != self.rides.len() {
            return;
        }
        let ride = self.rides.remove(ride);
        self.line.discard(ride.id);
        match ride.stage {
            Stage::Judged { won: true } => {}
            _ => self.refused.extend(ride.members.into_iter().flat_map(|member| member.events)),
        }
    }

    fn decide_again(&mut self) {
        for member in std::mem::take(&mut self.again) {
            let entry = self.entry(member.events.len(), false, false);
            self.refused.extend(member.events);
            self.come(member.came_at, entry);
        }
    }

    fn check(&self) {
        for (at, event) in self.log.iter().enumerate() {
            if let Some(grounds) = self.grounds.get(event) {
                assert_eq!(
                    grounds,
                    &self.log[..at],
                    "event {event} stands on what it was not decided on"
                );
            }
        }
        let count = |wanted: &u64| self.log.iter().filter(|event| *event == wanted).count();
        assert!(
            self.acknowledged.iter().all(|event| count(event) == 1),
            "an event is lost or doubled"
        );
        assert!(self.refused.iter().all(|event| count(event) == 0), "a refused event is stored");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_outcome_is_that_of_one_command_after_another(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut world = World::new();
        world.run(&steps);
        world.check();
    }
}

#[test]
fn what_was_decided_on_a_group_that_failed_is_never_sent() {
    let mut world = World::new();
    let one = Step::Decide { events: 1, with_id: false, alone: false };
    // The second command is decided on the event of the first, which loses to another process.
    world.run(&[one, Step::Send, one, Step::Interfere, Step::Judge, Step::Arrive, Step::Send]);
    world.check();
    assert_eq!(world.log.len(), 3);
}

#[test]
fn commands_that_come_while_an_append_is_under_way_share_the_next_one() {
    let mut world = World::new();
    let one = Step::Decide { events: 1, with_id: false, alone: false };
    world.step(one);
    world.step(Step::Send);
    for _ in 0..16 {
        world.step(one);
    }
    assert_eq!(world.rides.iter().map(|ride| ride.members.len()).collect::<Vec<_>>(), [1, 16]);
    world.run(&[]);
    world.check();
    assert_eq!(world.log.len(), 17);
}

#[test]
fn commands_with_ids_share_a_group_and_one_that_must_be_alone_is_alone() {
    let mut world = World::new();
    let decide = |with_id, alone| Step::Decide { events: 1, with_id, alone };
    for step in [
        decide(false, false),
        decide(true, false),
        decide(true, false),
        decide(false, true),
        decide(false, false),
    ] {
        world.step(step);
    }
    assert_eq!(world.rides.iter().map(|ride| ride.members.len()).collect::<Vec<_>>(), [3, 1, 1]);
    world.run(&[]);
    world.check();
}
