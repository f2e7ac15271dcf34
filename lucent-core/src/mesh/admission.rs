//! What a node takes on when there is more to do than it can: places kept for urgent calls, memory
//! for as many as fit, and a waiting room.
//!
//! Invariant: no call is turned away while a less urgent one waits.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use crate::mesh::Urgency;

/// The places of a node, some of them kept for urgent calls, and its memory.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    total: u32,
    kept_for_high: u32,
    kept_for_critical: u32,
    taken: u32,
    free_memory: u64,
}

impl Slots {
    /// So many places: a tenth of them is kept for high and critical calls, and another tenth for
    /// critical ones alone. All calls share so many bytes of memory.
    #[must_use]
    pub const fn new(total: u32, memory: u64) -> Self {
        let tenth = total / 10;
        let (kept_for_high, kept_for_critical) = (tenth, tenth);
        Self { total, kept_for_high, kept_for_critical, taken: 0, free_memory: memory }
    }

    /// Takes a place and so many bytes, if there are such for a call this urgent.
    pub fn take(&mut self, urgency: Urgency, memory: u64) -> bool {
        let kept = match urgency {
            Urgency::Low | Urgency::Normal => self.kept_for_high + self.kept_for_critical,
            Urgency::High => self.kept_for_critical,
            Urgency::Critical => 0,
        };
        let has_room = self.taken + kept < self.total && memory <= self.free_memory;
        if has_room {
            self.taken += 1;
            self.free_memory -= memory;
        }
        has_room
    }

    /// Gives a place and its bytes back.
    pub fn give_back(&mut self, memory: u64) {
        self.taken = self.taken.saturating_sub(1);
        self.free_memory = self.free_memory.saturating_add(memory);
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn free_memory(&self) -> u64 {
        self.free_memory
    }

    /// How many are taken.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.taken
    }
}

/// Calls that wait for a place: the most urgent first, and among those the earliest deadline.
#[derive(Clone, Debug)]
pub struct WaitingRoom<T> {
    seats: usize,
    arrived: u64,
    waiting: BTreeMap<(Reverse<Urgency>, Duration, u64), T>,
}

/// What came of a call that wanted to wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Waits<T> {
    /// It has a seat.
    Seated,
    /// It has the seat of a less urgent call, which is turned away.
    InsteadOf(T),
    /// It is turned away itself.
    TurnedAway(T),
}

impl<T> WaitingRoom<T> {
    /// A room with so many seats.
    #[must_use]
    pub const fn new(seats: usize) -> Self {
        Self { seats, arrived: 0, waiting: BTreeMap::new() }
    }

    /// A call wants to wait until `deadline`, which is a time since any fixed moment.
    pub fn enter(&mut self, urgency: Urgency, deadline: Duration, call: T) -> Waits<T> {
        self.arrived += 1;
        let place = (Reverse(urgency), deadline, self.arrived);
        if self.waiting.len() < self.seats {
            self.waiting.insert(place, call);
            return Waits::Seated;
        }
        match self.waiting.last_entry() {
            Some(last) if last.key().0 > place.0 => {
                let out = last.remove();
                self.waiting.insert(place, call);
                Waits::InsteadOf(out)
            }
            _ => Waits::TurnedAway(call),
        }
    }

    /// Calls the next one in for which there is a place, and gives back those before it whose deadline
    /// has passed: nobody needs them. One that needs much memory may be overtaken by others.
    pub fn next(
        &mut self,
        now: Duration,
        mut takes_place: impl FnMut(Urgency, &T) -> bool,
    ) -> (Option<T>, Vec<T>) {
        let (mut found, mut late) = (None, Vec::new());
        for (&place, call) in &self.waiting {
            let (Reverse(urgency), deadline, _) = place;
            if deadline <= now {
                late.push(place);
            } else if takes_place(urgency, call) {
                found = Some(place);
                break;
            }
        }
        let late = late.into_iter().filter_map(|place| self.waiting.remove(&place)).collect();
        (found.and_then(|place| self.waiting.remove(&place)), late)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1);
    const LATER: Duration = Duration::from_secs(9);

    #[test]
    fn places_are_kept_for_urgent_calls() {
        let mut slots = Slots::new(10, 100);
        assert_eq!((0..20).filter(|_| slots.take(Urgency::Normal, 1)).count(), 8);
        assert!(!slots.take(Urgency::Low, 1));
        assert!(slots.take(Urgency::High, 1));
        assert!(!slots.take(Urgency::High, 1));
        assert!(slots.take(Urgency::Critical, 1));
        assert!(!slots.take(Urgency::Critical, 1));
        slots.give_back(1);
        assert!(!slots.take(Urgency::High, 1));
        assert!(slots.take(Urgency::Critical, 1));
    }

    #[test]
    fn a_node_with_few_places_keeps_none() {
        let mut slots = Slots::new(2, 100);
        assert!(slots.take(Urgency::Low, 1) && slots.take(Urgency::Low, 1));
    }

    #[test]
    fn memory_is_taken_and_given_back_with_the_place() {
        let mut slots = Slots::new(10, 100);
        assert!(slots.take(Urgency::Normal, 60));
        assert!(!slots.take(Urgency::Critical, 60));
        assert!(slots.take(Urgency::Normal, 40));
        assert_eq!(slots.free_memory(), 0);
        slots.give_back(60);
        assert!(slots.take(Urgency::Critical, 60));
    }

    #[test]
    fn who_fits_is_called_in_before_a_more_urgent_call_that_does_not() {
        let mut room = WaitingRoom::new(9);
        room.enter(Urgency::High, LATER, 60);
        room.enter(Urgency::Normal, LATER, 10);
        let mut slots = Slots::new(10, 50);
        let mut next = || room.next(SOON, |urgency, &memory| slots.take(urgency, memory)).0;
        assert_eq!((next(), next()), (Some(10), None));
        assert_eq!(room.len(), 1);
    }

    #[test]
    fn the_most_urgent_call_with_the_earliest_deadline_is_next() {
        let mut room = WaitingRoom::new(9);
        for (urgency, deadline, call) in [
            (Urgency::Normal, SOON, "normal"),
            (Urgency::High, LATER, "high, later"),
            (Urgency::High, SOON, "high, soon"),
            (Urgency::High, SOON, "high, soon, after it"),
        ] {
            assert_eq!(room.enter(urgency, deadline, call), Waits::Seated);
        }
        let order: Vec<_> =
            std::iter::from_fn(|| room.next(Duration::ZERO, |_, _| true).0).collect();
        assert_eq!(order, ["high, soon", "high, soon, after it", "high, later", "normal"]);
    }

    #[test]
    fn a_full_room_turns_the_least_urgent_away() {
        let mut room = WaitingRoom::new(2);
        assert_eq!(room.enter(Urgency::Low, LATER, "low"), Waits::Seated);
        assert_eq!(room.enter(Urgency::Normal, LATER, "normal"), Waits::Seated);
        assert_eq!(room.enter(Urgency::Low, SOON, "low too"), Waits::TurnedAway("low too"));
        assert_eq!(room.enter(Urgency::High, LATER, "high"), Waits::InsteadOf("low"));
        assert_eq!(room.enter(Urgency::High, SOON, "high too"), Waits::InsteadOf("normal"));
        assert_eq!(room.enter(Urgency::High, SOON, "third"), Waits::TurnedAway("third"));
        assert_eq!(room.len(), 2);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_run() {
        let mut room = WaitingRoom::new(3);
        room.enter(Urgency::Normal, SOON, "late");
        room.enter(Urgency::Normal, LATER, "in time");
        assert_eq!(room.next(SOON, |_, _| true), (Some("in time"), vec!["late"]));
        assert!(room.is_empty());
    }
}
