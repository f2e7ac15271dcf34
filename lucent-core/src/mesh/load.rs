//! How busy a node is, and what one more call would cost there.

use std::time::Duration;

use crate::mesh::{Capacity, Needs};

/// How busy a node is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Calls that run or wait there.
    pub in_flight: u32,
    /// How long a call takes there, peaks included.
    pub latency: Duration,
    /// The share of time that work waited for a processor, from 0 to 1 (Linux: PSI `some avg10`
    /// divided by 100).
    pub cpu_pressure: f64,
    /// The share of time that work waited for memory, from 0 to 1.
    pub memory_pressure: f64,
    /// How many bytes are free for calls.
    pub free_memory: u64,
}

impl Load {
    /// A node that has nothing to do.
    #[must_use]
    pub const fn idle(capacity: &Capacity) -> Self {
        Self {
            in_flight: 0,
            latency: Duration::ZERO,
            cpu_pressure: 0.0,
            memory_pressure: 0.0,
            free_memory: capacity.memory,
        }
    }

    /// Whether a call of these needs has room there.
    #[must_use]
    pub const fn has_room_for(&self, needs: &Needs) -> bool {
        self.free_memory >= needs.memory
    }

    /// What one more call costs: the time that those before it and itself will take, stretched by
    /// pressure, on a node of this weight. Lower is better; comparable among nodes only.
    ///
    /// After finagle's peak EWMA balancer, with pressure and weight as further factors.
    #[must_use]
    pub fn cost(&self, capacity: &Capacity, more_in_flight: u32) -> f64 {
        let latency = std::cmp::max(self.latency, UNKNOWN_LATENCY).as_secs_f64();
        let in_flight = f64::from(self.in_flight.saturating_add(more_in_flight)) + 1.0;
        // A number that is none of these must not win each comparison by being incomparable.
        let pressure = sane(self.cpu_pressure) + sane(self.memory_pressure);
        let weight = f64::from(std::cmp::max(capacity.weight, 1));
        in_flight * latency * (1.0 + PRESSURE_WEIGHT * pressure) / weight
    }

    /// The greater of both pressures.
    #[must_use]
    pub fn pressure(&self) -> f64 {
        sane(self.cpu_pressure).max(sane(self.memory_pressure))
    }
}

fn sane(share: f64) -> f64 {
    if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }
}

/// A mean of latencies that rises at once with a slow call and falls slowly.
///
/// The time constant is that of the decay: after it, a peak counts for about a third.
#[derive(Clone, Copy, Debug)]
pub struct PeakLatency {
    mean: f64,
    at: Duration,
    constant: Duration,
}

impl PeakLatency {
    /// A mean with this time constant that has seen nothing.
    #[must_use]
    pub const fn new(constant: Duration) -> Self {
        Self { mean: 0.0, at: Duration::ZERO, constant }
    }

    /// A call took this long; `now` is the time since any fixed moment.
    pub fn saw(&mut self, took: Duration, now: Duration) {
        let took = took.as_secs_f64();
        if took >= self.mean {
            self.mean = took;
        } else {
            let passed = now.saturating_sub(self.at).as_secs_f64();
            let weight = (-passed / self.constant.as_secs_f64().max(f64::MIN_POSITIVE)).exp();
            self.mean = self.mean * weight + took * (1.0 - weight);
        }
        self.at = now;
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::try_from_secs_f64(self.mean).unwrap_or(Duration::MAX)
    }
}

/// How much pressure counts: a node whose work always waits costs five times as much.
const PRESSURE_WEIGHT: f64 = 4.0;

/// A node that has run nothing yet is not free of cost.
const UNKNOWN_LATENCY: Duration = Duration::from_micros(10);

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: Capacity = Capacity { weight: 2, slots: 8, memory: 1 << 20 };

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let mut latency = PeakLatency::new(Duration::from_secs(10));
        let at = Duration::from_secs;
        latency.saw(Duration::from_millis(1), at(0));
        latency.saw(Duration::from_millis(100), at(1));
        assert_eq!(latency.mean(), Duration::from_millis(100));
        latency.saw(Duration::from_millis(1), at(2));
        assert!(latency.mean() > Duration::from_millis(85));
        latency.saw(Duration::from_millis(1), at(60));
        assert!(latency.mean() < Duration::from_millis(2));
    }

    #[test]
    fn queue_latency_pressure_and_weight_make_the_cost() {
        let idle = Load { latency: Duration::from_millis(1), ..Load::idle(&CAPACITY) };
        let cost = |load: Load| load.cost(&CAPACITY, 0);
        assert!(cost(Load { in_flight: 1, ..idle }) > cost(idle));
        assert!(cost(Load { latency: Duration::from_millis(2), ..idle }) > cost(idle));
        assert!(cost(Load { cpu_pressure: 0.5, ..idle }) > cost(idle));
        assert!(cost(Load { cpu_pressure: f64::NAN, ..idle }) > cost(idle));
        assert!(idle.cost(&Capacity { weight: 4, ..CAPACITY }, 0) < cost(idle));
        assert!(idle.cost(&CAPACITY, 1) > cost(idle));
    }
}
