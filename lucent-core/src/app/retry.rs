//! How often a conflicting command is decided anew, and how long failing work waits.
//!
//! Invariant: waiting times grow and are bounded.

use std::time::Duration;

/// How often a command is decided anew after a conflict with another writer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// How many times; zero means that a conflict is reported at once.
    pub retries: u32,
    /// The wait before the second retry; it doubles with each one after. The first is immediate.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 8, pause: Duration::from_millis(2) }
    }
}

impl RetryPolicy {
    /// The wait before this retry (counted from 1), or `None` if there is none left.
    pub(crate) fn pause_before(self, retry: u32) -> Option<Duration> {
        match retry {
            _ if retry > self.retries => None,
            0 | 1 => Some(Duration::ZERO),
            _ => Some(self.pause.saturating_mul(1 << (retry - 2).min(10))),
        }
    }
}

/// Growing waits of a worker that keeps failing.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(FIRST_WAIT)
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = LONGEST_WAIT.min(wait * 2);
        wait
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_and_pauses_grow() {
        let policy = RetryPolicy { retries: 3, pause: Duration::from_millis(5) };
        let pauses: Vec<_> = (1..=4).map(|retry| policy.pause_before(retry)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(0), ms(5), ms(10), None]);
    }

    #[test]
    fn a_failing_worker_never_waits_longer_than_the_bound() {
        let mut backoff = Backoff::new();
        let longest = (0..40).map(|_| backoff.next()).fold(Duration::ZERO, Duration::max);
        assert_eq!(longest, LONGEST_WAIT);
        backoff.reset();
        assert_eq!(backoff.next(), FIRST_WAIT);
    }
}
