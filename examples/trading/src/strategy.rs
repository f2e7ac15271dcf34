//! The strategy: buy when the fast moving average crosses over the slow one, sell when it crosses
//! under it.
//!
//! Invariant: a signal is a function of the last `slow + 1` closing prices and nothing else, so it
//! can be picked up anywhere in a history.

use std::{cmp::Ordering, collections::VecDeque};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Over how many prices the two averages go.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Windows", into = "Windows")]
pub struct Strategy {
    fast: usize,
    slow: usize,
}

/// What a strategy says about an instrument.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Buy it.
    Buy,
    /// Leave things as they are.
    #[default]
    Hold,
    /// Sell it.
    Sell,
}

/// The averages of one instrument, moved on price by price in flat memory.
#[derive(Clone, Debug)]
pub struct MovingAverages {
    strategy: Strategy,
    closes: VecDeque<Decimal>,
    fast_sum: Decimal,
    slow_sum: Decimal,
    lean: Option<Ordering>,
}

/// Windows that make no strategy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the windows {fast} and {slow} make no strategy: the fast one is at least 1, the slow one is longer and at most {}",
    Strategy::LONGEST
)]
pub struct InvalidStrategy {
    /// The fast window.
    pub fast: usize,
    /// The slow window.
    pub slow: usize,
}

impl Strategy {
    /// The longest window.
    pub const LONGEST: usize = 1_000;

    /// A strategy over these windows.
    ///
    /// # Errors
    /// Unless `1 <= fast < slow <= LONGEST`.
    pub const fn new(fast: usize, slow: usize) -> Result<Self, InvalidStrategy> {
        if fast >= 1 && fast < slow && slow <= Self::LONGEST {
            Ok(Self { fast, slow })
        } else {
            Err(InvalidStrategy { fast, slow })
        }
    }

    /// The fast window.
    #[must_use]
    pub const fn fast(self) -> usize {
        self.fast
    }

    /// The slow window.
    #[must_use]
    pub const fn slow(self) -> usize {
        self.slow
    }
}

impl MovingAverages {
    /// The averages before the first price.
    #[must_use]
    pub const fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            closes: VecDeque::new(),
            fast_sum: Decimal::ZERO,
            slow_sum: Decimal::ZERO,
            lean: None,
        }
    }

    /// Moves on by one closing price and says what it means.
    pub fn observe(&mut self, close: Decimal) -> Signal {
        let Strategy { fast, slow } = self.strategy;
        self.closes.push_back(close);
        self.fast_sum += close;
        self.slow_sum += close;
        let count = self.closes.len();
        if count > fast {
            self.fast_sum -= self.closes[count - 1 - fast];
        }
        if count > slow
            && let Some(oldest) = self.closes.pop_front()
        {
            self.slow_sum -= oldest;
        }
        if count < slow {
            return Signal::Hold;
        }
        let before =
            self.lean.replace(compare_averages((self.fast_sum, fast), (self.slow_sum, slow)));
        before.map_or(Signal::Hold, |before| decide_signal(before, self.lean.unwrap_or(before)))
    }
}

/// Decides on a signal: how the fast average compared to the slow one before, and how now.
///
/// ```
/// use std::cmp::Ordering::{Equal, Greater, Less};
/// use trading::strategy::{Signal, decide_signal};
/// assert_eq!(decide_signal(Less, Greater), Signal::Buy);
/// assert_eq!(decide_signal(Equal, Less), Signal::Sell);
/// assert_eq!(decide_signal(Greater, Greater), Signal::Hold);
/// ```
#[must_use]
pub fn decide_signal(before: Ordering, now: Ordering) -> Signal {
    match now {
        Ordering::Greater if before != Ordering::Greater => Signal::Buy,
        Ordering::Less if before != Ordering::Less => Signal::Sell,
        _ => Signal::Hold,
    }
}

/// Compares two averages, given as sums and counts, without dividing: the answer is exact.
fn compare_averages(fast: (Decimal, usize), slow: (Decimal, usize)) -> Ordering {
    (fast.0 * Decimal::from(slow.1)).cmp(&(slow.0 * Decimal::from(fast.1)))
}

/// How a strategy is stored.
#[derive(Clone, Copy, Deserialize, Serialize)]
struct Windows {
    fast: usize,
    slow: usize,
}

impl TryFrom<Windows> for Strategy {
    type Error = InvalidStrategy;

    fn try_from(windows: Windows) -> Result<Self, InvalidStrategy> {
        Self::new(windows.fast, windows.slow)
    }
}

impl From<Strategy> for Windows {
    fn from(Strategy { fast, slow }: Strategy) -> Self {
        Self { fast, slow }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prop_assert_eq, proptest};

    use super::*;

    fn signals(strategy: Strategy, closes: &[i64]) -> Vec<Signal> {
        let mut averages = MovingAverages::new(strategy);
        closes.iter().map(|&close| averages.observe(close.into())).collect()
    }

    /// The same by its definition: from the last `slow + 1` prices alone.
    fn signal_by_definition(strategy: Strategy, closes: &[i64]) -> Signal {
        let lean = |closes: &[i64]| -> Option<Ordering> {
            let slow = closes.get(closes.len().checked_sub(strategy.slow)?..)?;
            let fast = &slow[strategy.slow - strategy.fast..];
            let sum = |prices: &[i64]| Decimal::from(prices.iter().sum::<i64>());
            Some(compare_averages((sum(fast), strategy.fast), (sum(slow), strategy.slow)))
        };
        let before = closes.split_last().and_then(|(_, before)| lean(before));
        match (before, lean(closes)) {
            (Some(before), Some(now)) => decide_signal(before, now),
            _ => Signal::Hold,
        }
    }

    #[test]
    fn a_turn_upwards_buys_and_a_turn_downwards_sells() {
        let strategy = Strategy::new(1, 2).unwrap();
        use Signal::{Buy, Hold, Sell};
        assert_eq!(
            signals(strategy, &[5, 4, 3, 6, 7, 7, 2]),
            [Hold, Hold, Hold, Buy, Hold, Hold, Sell]
        );
    }

    #[test]
    fn nothing_is_said_before_both_averages_are_full_twice() {
        let strategy = Strategy::new(2, 3).unwrap();
        assert_eq!(signals(strategy, &[1, 9, 9]), [Signal::Hold; 3]);
    }

    #[test]
    fn windows_that_make_no_sense_are_refused() {
        for (fast, slow) in [(0, 5), (5, 5), (6, 5), (1, 1_001)] {
            assert_eq!(Strategy::new(fast, slow), Err(InvalidStrategy { fast, slow }));
        }
        assert!(serde_json::from_str::<Strategy>(r#"{"fast":0,"slow":1}"#).is_err());
    }

    proptest! {
        #[test]
        fn moving_on_gives_what_the_definition_gives(
            closes in vec(1_i64..50, 0..60),
            fast in 1_usize..5,
            more in 1_usize..8,
        ) {
            let strategy = Strategy::new(fast, fast + more).unwrap();
            for (index, signal) in signals(strategy, &closes).into_iter().enumerate() {
                prop_assert_eq!(signal, signal_by_definition(strategy, &closes[..=index]));
            }
        }

        #[test]
        fn a_history_can_be_picked_up_after_slow_plus_one_prices(
            closes in vec(1_i64..50, 12..60),
            cut in 0_usize..40,
        ) {
            let strategy = Strategy::new(3, 6).unwrap();
            let cut = cut.min(closes.len() - 8);
            let late = signals(strategy, &closes[cut..]);
            let all = signals(strategy, &closes);
            prop_assert_eq!(&late[7..], &all[cut + 7..]);
        }
    }
}
