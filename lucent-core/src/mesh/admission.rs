//! What a node takes on when there is more to do than it can: places kept for urgent calls, and a
//! waiting room.
//!
//! Invariant: no call is turned away while a less urgent one waits.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use crate::mesh::Urgency;

/// The places of a node, some of them kept for urgent calls.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    total: u32,
    kept_for_high: u32,
    kept_for_critical: u32,
    taken: u32,
}

impl Slots {
    /// So many places: a tenth of them is kept for high and critical calls, and another tenth for
    /// critical ones alone.
    #[must_use]
    pub const fn new(total: u32) -> Self {
        let tenth = total / 10;
        Self { total, kept_for_high: tenth, kept_for_critical: tenth, taken: 0 }
    }

    /// Takes a place, if there is one for a call this urgent.
    pub fn take(&mut self, urgency: Urgency) -> bool {
        let kept = match urgency {
            Urgency::Low | Urgency::Normal => self.kept_for_high + self.kept_for_critical,
            Urgency::High => self.kept_for_critical,
            Urgency::Critical => 0,
        };
        let has_room = self.taken + kept < self.total;
        if has_room {
            self.taken += 1;
        }
        has_room
    }

    /// Gives a place back.
    pub fn give_back(&mut self) {
        self.taken = self.taken.saturating_sub(1);
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

    /// Calls the next one in, and gives back those whose deadline has passed: nobody needs them.
    pub fn next(&mut self, now: Duration) -> (Option<T>, Vec<T>) {
        let mut late = Vec::new();
        while let Some(((_, deadline, _), call)) = self.waiting.pop_first() {
            if deadline > now {
                return (Some(call), late);
            }
            late.push(call);
        }
        (None, late)
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
        let mut slots = Slots::new(10);
        assert_eq!((0..20).filter(|_| slots.take(Urgency::Normal)).count(), 8);
        assert!(!slots.take(Urgency::Low));
        assert!(slots.take(Urgency::High));
        assert!(!slots.take(Urgency::High));
        assert!(slots.take(Urgency::Critical));
        assert!(!slots.take(Urgency::Critical));
        slots.give_back();
        assert!(!slots.take(Urgency::High));
        assert!(slots.take(Urgency::Critical));
    }

    #[test]
    fn a_node_with_few_places_keeps_none() {
        let mut slots = Slots::new(2);
        assert!(slots.take(Urgency::Low) && slots.take(Urgency::Low));
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
        let order: Vec<_> = std::iter::from_fn(|| room.next(Duration::ZERO).0).collect();
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
        assert_eq!(room.next(SOON), (Some("in time"), vec!["late"]));
        assert!(room.is_empty());
    }
}
