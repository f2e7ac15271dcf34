//! Moving averages of an instrument.
//!
//! Invariant: a trend is a function of the last `slow + 1` closing prices and nothing else, so it
//! can be picked up anywhere in a history.

use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Over how many prices the averages of a strategy go.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Windows", into = "Windows")]
pub struct Strategy {
    fast: usize,
    slow: usize,
}

/// The averages of an instrument beside its last price.
///
/// All on one scale: each is multiplied by both windows, so that they compare exactly.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Averages {
    /// The last price.
    pub price: Decimal,
    /// The fast average.
    pub fast: Decimal,
    /// The slow average.
    pub slow: Decimal,
}

/// How the averages moved with the last price; nothing while there are too few prices.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trend {
    /// The averages before it.
    pub before: Option<Averages>,
    /// The averages with it.
    pub now: Option<Averages>,
}

/// The averages of one instrument, moved on price by price in flat memory.
#[derive(Clone, Debug)]
pub struct MovingAverages {
    strategy: Strategy,
    closes: VecDeque<Decimal>,
    fast_sum: Decimal,
    slow_sum: Decimal,
    now: Option<Averages>,
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
            now: None,
        }
    }

    /// Moves on by one closing price.
    pub fn observe(&mut self, close: Decimal) -> Trend {
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
        let before = self.now;
        if count >= slow {
            let (fast, slow) = (Decimal::from(fast), Decimal::from(slow));
            self.now = Some(Averages {
                price: close * fast * slow,
                fast: self.fast_sum * slow,
                slow: self.slow_sum * fast,
            });
        }
        Trend { before, now: self.now }
    }
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

    fn trends(strategy: Strategy, closes: &[i64]) -> Vec<Trend> {
        let mut averages = MovingAverages::new(strategy);
        closes.iter().map(|&close| averages.observe(close.into())).collect()
    }

    /// The same by its definition: from the last `slow + 1` prices alone.
    fn trend_by_definition(strategy: Strategy, closes: &[i64]) -> Trend {
        let averages = |closes: &[i64]| -> Option<Averages> {
            let slow = closes.get(closes.len().checked_sub(strategy.slow)?..)?;
            let fast = &slow[strategy.slow - strategy.fast..];
            let sum = |prices: &[i64]| Decimal::from(prices.iter().sum::<i64>());
            let (fast_count, slow_count) =
                (Decimal::from(strategy.fast), Decimal::from(strategy.slow));
            Some(Averages {
                price: Decimal::from(*closes.last()?) * fast_count * slow_count,
                fast: sum(fast) * slow_count,
                slow: sum(slow) * fast_count,
            })
        };
        let before = closes.split_last().and_then(|(_, before)| averages(before));
        Trend { before, now: averages(closes) }
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
            for (index, trend) in trends(strategy, &closes).into_iter().enumerate() {
                prop_assert_eq!(trend, trend_by_definition(strategy, &closes[..=index]));
            }
        }

        #[test]
        fn a_history_can_be_picked_up_after_slow_plus_one_prices(
            closes in vec(1_i64..50, 12..60),
            cut in 0_usize..40,
        ) {
            let strategy = Strategy::new(3, 6).unwrap();
            let cut = cut.min(closes.len() - 8);
            let late = trends(strategy, &closes[cut..]);
            let all = trends(strategy, &closes);
            prop_assert_eq!(&late[7..], &all[cut + 7..]);
        }
    }
}
