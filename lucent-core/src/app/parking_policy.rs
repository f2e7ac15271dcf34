//! How often a failing event is tried again, and when it is parked.
//!
//! Invariant: only what fails in the projector's own code is ever parked; a failing store is tried
//! again without end.

use std::time::Duration;

/// How a projection deals with an event that its projector fails on.
///
/// The event is tried `tries` times, with growing pauses. Then its part in the failing document is
/// parked: later events of that document wait in line behind it, and other documents go on. See
/// [`ProjectionHandle::parked`](crate::ProjectionHandle::parked).
///
/// ```
/// use lucent_core::ParkingPolicy;
/// let patient = ParkingPolicy { tries: 10, ..ParkingPolicy::default() };
/// assert_eq!(patient.keys, 1_000);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParkingPolicy {
    /// How often an event is tried before it is parked; 0 counts as 1.
    pub tries: u32,
    /// The pause after the first failure; it doubles with each one after, up to 30 seconds.
    pub pause: Duration,
    /// How many keys may have parked events at once. Beyond that the projection waits and tries
    /// again without end: where so much fails, it is not the events.
    pub keys: usize,
}

impl ParkingPolicy {
    /// Parks nothing: a failing event is tried again without end, and everything waits for it.
    #[must_use]
    pub const fn never() -> Self {
        Self { tries: u32::MAX, pause: FIRST_PAUSE, keys: 0 }
    }

    /// The pause after so many failures of one event.
    pub(crate) fn pause_after(self, failures: u32) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
        LONGEST_PAUSE.min(doubled)
    }

    /// Whether an event that failed so often is to be parked.
    pub(crate) const fn gives_up_after(self, failures: u32) -> bool {
        failures >= self.tries
    }
}

impl Default for ParkingPolicy {
    /// Four tries within about half a second, and at most 1,000 keys.
    fn default() -> Self {
        Self { tries: 4, pause: FIRST_PAUSE, keys: 1_000 }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let policy = ParkingPolicy { pause: Duration::from_millis(50), ..ParkingPolicy::default() };
        let pauses = [1, 2, 3, 40].map(|failures| policy.pause_after(failures).as_millis());
        assert_eq!(pauses, [50, 100, 200, 30_000]);
    }

    #[test]
    fn an_event_is_given_up_after_its_tries_and_never_if_nothing_is_parked() {
        let policy = ParkingPolicy { tries: 3, ..ParkingPolicy::default() };
        assert_eq!([1, 2, 3].map(|failures| policy.gives_up_after(failures)), [false, false, true]);
        assert!(!ParkingPolicy::never().gives_up_after(1_000_000));
    }
}
