//! Keeps calls away from an edition that keeps failing.
//!
//! Invariant: the state is one value that moves by pure steps, and the shared form of it swaps that
//! value atomically; so no caller ever waits for another one, and one failure counts once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// After how many failures in a row an edition rests.
pub(crate) const FAILURES: u16 = 5;

/// For how long it rests; then one call tries it.
pub(crate) const REST: Duration = Duration::from_secs(15);

/// Failures in a row, and until when the edition rests.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct State {
    failures: u16,
    /// In milliseconds of the clock; zero if it does not rest.
    resting_until: u64,
}

/// What the breaker says to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// It may run.
    Open,
    /// It may run and tries whether the edition works again; others wait for what comes of it.
    Trial(State),
    /// It may not run.
    Resting,
}

impl State {
    pub(crate) fn admit(self, now: Duration) -> Admission {
        let now = millis(now);
        match self.resting_until {
            0 => Admission::Open,
            until if now < until => Admission::Resting,
            _ => Admission::Trial(Self { resting_until: now + millis(REST), ..self }),
        }
    }

    pub(crate) fn succeeded(self) -> Self {
        Self::default()
    }

    pub(crate) fn failed(self, now: Duration) -> Self {
        let failures = self.failures.saturating_add(1);
        let rests = failures >= FAILURES;
        Self { failures, resting_until: if rests { millis(now) + millis(REST) } else { 0 } }
    }

    fn pack(self) -> u64 {
        (self.resting_until << 16) | u64::from(self.failures)
    }

    fn unpack(packed: u64) -> Self {
        let failures = u16::try_from(packed & 0xffff).expect("the mask leaves 16 bits");
        Self { failures, resting_until: packed >> 16 }
    }
}

/// A breaker that callers share.
#[derive(Debug, Default)]
pub(crate) struct Breaker(AtomicU64);

impl Breaker {
    /// Whether a call may run now. `now` is asked only if the edition rests.
    pub(crate) fn admits(&self, now: impl FnOnce() -> Duration) -> bool {
        let packed = self.0.load(Ordering::Acquire);
        let state = State::unpack(packed);
        if state.resting_until == 0 {
            return true;
        }
        match state.admit(now()) {
            Admission::Open => true,
            Admission::Resting => false,
            Admission::Trial(next) => {
                let swap = (Ordering::AcqRel, Ordering::Acquire);
                self.0.compare_exchange(packed, next.pack(), swap.0, swap.1).is_ok()
            }
        }
    }

    /// Whether a call would be let through.
    pub(crate) fn would_admit(&self, now: Duration) -> bool {
        State::unpack(self.0.load(Ordering::Acquire)).admit(now) != Admission::Resting
    }

    pub(crate) fn succeeded(&self) {
        if self.0.load(Ordering::Acquire) != 0 {
            self.step(State::succeeded);
        }
    }

    /// Says whether the edition rests from now on.
    pub(crate) fn failed(&self, now: Duration) -> bool {
        self.step(|state| state.failed(now)).resting_until > 0
    }

    fn step(&self, step: impl Fn(State) -> State) -> State {
        let mut packed = self.0.load(Ordering::Acquire);
        loop {
            let next = step(State::unpack(packed));
            match self.0.compare_exchange_weak(
                packed,
                next.pack(),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return next,
                Err(found) => packed = found,
            }
        }
    }
}

/// Whole milliseconds, as far as they fit beside the failures.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(u64::MAX >> 17)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn resting(since: Duration) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(since);
        }
        breaker
    }

    #[test]
    fn an_edition_rests_after_failures_in_a_row_and_not_before() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(at(1)));
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(at(1)));
        }
        assert!(breaker.admits(|| at(1)));
        assert!(breaker.failed(at(1)));
        assert!(!breaker.admits(|| at(1)));
    }

    #[test]
    fn after_the_rest_one_call_tries_and_the_others_wait_for_it() {
        let breaker = resting(at(1));
        let rested = at(1) + REST;
        assert!(!breaker.admits(|| rested - Duration::from_millis(1)));
        assert!(breaker.admits(|| rested));
        assert!(!breaker.admits(|| rested));
        breaker.succeeded();
        assert!(breaker.admits(|| rested) && breaker.admits(|| rested));
    }

    #[test]
    fn a_trial_that_fails_begins_another_rest() {
        let breaker = resting(at(1));
        let rested = at(1) + REST;
        assert!(breaker.admits(|| rested));
        assert!(breaker.failed(rested));
        assert!(!breaker.admits(|| rested + REST - Duration::from_millis(1)));
        assert!(breaker.admits(|| rested + REST));
    }

    #[test]
    fn a_state_survives_being_packed() {
        let state = State { failures: 7, resting_until: 1_800_000_000_000 };
        assert_eq!(State::unpack(state.pack()), state);
    }

    #[test]
    fn every_failure_of_a_crowd_counts() {
        let breaker = Breaker::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        breaker.failed(at(1));
                    }
                });
            }
        });
        assert_eq!(State::unpack(breaker.0.load(Ordering::SeqCst)).failures, 800);
    }
}
