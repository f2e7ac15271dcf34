//! The strategy, in several editions: from how an instrument moves to a signal.
//!
//! Invariant: a signal is a function of what an edition sees and nothing else, so the edition that
//! is recorded with a trade gives the same signal again.

use std::cmp::Ordering;

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{
    instrument::InstrumentId,
    strategy::{Averages, Trend},
};

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

/// What a strategy sees of an instrument.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Market {
    /// The instrument.
    pub symbol: InstrumentId,
    /// When.
    pub at: Timestamp,
    /// How much was traded, if that is known.
    pub volume: Option<Decimal>,
    /// How its averages moved.
    pub trend: Trend,
}

/// Why an edition gives no signal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalFault {
    /// It looks at the volume, and there is none.
    #[error("the price of {symbol} has no volume: give the price file a column `volume`")]
    NoVolume {
        /// The instrument.
        symbol: InstrumentId,
    },
}

/// Buys when the fast average crosses over the slow one, and sells when it crosses under it.
///
/// ```
/// use lucent_core::{AggregateId as _, Timestamp};
/// use trading::{
///     instrument::InstrumentId,
///     strategy::{Market, MovingAverages, Signal, Strategy, decide_signal},
/// };
/// let mut averages = MovingAverages::new(Strategy::new(1, 2)?);
/// let mut signal = |close: u32| {
///     let trend = averages.observe(close.into());
///     let symbol = InstrumentId::from_value("IBM".to_owned());
///     decide_signal(&Market { symbol, at: Timestamp::default(), volume: None, trend })
/// };
/// assert_eq!([5, 4, 6, 2].map(|close| signal(close).unwrap()), [
///     Signal::Hold,
///     Signal::Hold,
///     Signal::Buy,
///     Signal::Sell,
/// ]);
/// # Ok::<(), trading::strategy::InvalidStrategy>(())
/// ```
///
/// # Errors
/// None in this edition.
// ANCHOR: editions
#[function(version = 2, shard_by = symbol, tags("strategy"))]
pub fn decide_signal(market: &Market) -> Result<Signal, SignalFault> {
    Ok(crossing(&market.trend, |averages| averages.fast.cmp(&averages.slow)))
}

/// The version before: the price itself crosses the slow average.
///
/// # Errors
/// None in this edition.
#[function(of = decide_signal, version = 1)]
pub fn decide_signal_by_price(market: &Market) -> Result<Signal, SignalFault> {
    Ok(crossing(&market.trend, |averages| averages.price.cmp(&averages.slow)))
}

/// A variant that waits until the averages are 1% apart.
///
/// # Errors
/// None in this edition.
#[function(of = decide_signal, version = 2, variant = "calm")]
pub fn decide_signal_calmly(market: &Market) -> Result<Signal, SignalFault> {
    Ok(crossing(&market.trend, |averages| {
        let Averages { fast, slow, .. } = *averages;
        match fast.cmp(&slow) {
            Ordering::Greater if fast > slow * CLEARLY => Ordering::Greater,
            Ordering::Less if fast * CLEARLY < slow => Ordering::Less,
            _ => Ordering::Equal,
        }
    }))
}
// ANCHOR_END: editions

/// A variant that follows a crossing only if something was traded.
///
/// # Errors
/// [`SignalFault::NoVolume`].
#[function(of = decide_signal, version = 2, variant = "volume")]
pub fn decide_signal_by_volume(market: &Market) -> Result<Signal, SignalFault> {
    let no_volume = || SignalFault::NoVolume { symbol: market.symbol.clone() };
    let volume = market.volume.ok_or_else(no_volume)?;
    match volume > Decimal::ZERO {
        true => decide_signal(market),
        false => Ok(Signal::Hold),
    }
}

/// What a change of order means: something that is now above buys, something that is now below sells.
fn crossing(trend: &Trend, order: impl Fn(&Averages) -> Ordering) -> Signal {
    let (Some(before), Some(now)) = (&trend.before, &trend.now) else {
        return Signal::Hold;
    };
    match (order(before), order(now)) {
        (Ordering::Less | Ordering::Equal, Ordering::Greater) => Signal::Buy,
        (Ordering::Greater | Ordering::Equal, Ordering::Less) => Signal::Sell,
        _ => Signal::Hold,
    }
}

/// 1.01, of which a calm edition makes its margin.
const CLEARLY: Decimal = Decimal::from_parts(101, 0, 0, false, 2);

#[cfg(test)]
mod tests {
    use lucent_core::AggregateId as _;

    use super::*;
    use crate::strategy::{MovingAverages, Strategy};

    type Edition = fn(&Market) -> Result<Signal, SignalFault>;

    fn signals(edition: Edition, windows: (usize, usize), closes: &[i64]) -> Vec<Signal> {
        let mut averages = MovingAverages::new(Strategy::new(windows.0, windows.1).unwrap());
        let signal = |close: &i64| {
            let trend = averages.observe((*close).into());
            let symbol = InstrumentId::from_value("IBM".to_owned());
            let volume = Some(Decimal::ONE);
            edition(&Market { symbol, at: Timestamp::default(), volume, trend }).unwrap()
        };
        closes.iter().map(signal).collect()
    }

    use Signal::{Buy, Hold, Sell};

    #[test]
    fn a_turn_upwards_buys_and_a_turn_downwards_sells() {
        let closes = [5, 4, 3, 6, 7, 7, 2];
        let expected = [Hold, Hold, Hold, Buy, Hold, Hold, Sell];
        for edition in [decide_signal as Edition, decide_signal_by_volume] {
            assert_eq!(signals(edition, (1, 2), &closes), expected);
        }
    }

    #[test]
    fn nothing_is_said_before_both_averages_are_full_twice() {
        assert_eq!(signals(decide_signal, (2, 3), &[1, 9, 9]), [Hold; 3]);
    }

    #[test]
    fn the_older_edition_looks_at_the_price_itself() {
        let closes = [9, 8, 7, 6, 5, 12, 5];
        assert_eq!(
            signals(decide_signal_by_price, (3, 4), &closes),
            [Hold, Hold, Hold, Hold, Hold, Buy, Sell]
        );
    }

    #[test]
    fn the_calm_edition_leaves_small_crossings_alone() {
        let closes = [1_000, 990, 1_000, 1_100, 1_000, 900];
        assert_eq!(signals(decide_signal, (1, 2), &closes), [Hold, Hold, Buy, Hold, Sell, Hold]);
        assert_eq!(
            signals(decide_signal_calmly, (1, 2), &closes),
            [Hold, Hold, Hold, Buy, Sell, Hold]
        );
    }

    #[test]
    fn an_edition_that_looks_at_the_volume_says_when_there_is_none() {
        let symbol = InstrumentId::from_value("IBM".to_owned());
        let trend = Trend::default();
        let market = Market { symbol, at: Timestamp::default(), volume: None, trend };
        let fault = decide_signal_by_volume(&market).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "the price of IBM has no volume: give the price file a column `volume`"
        );
    }
}
