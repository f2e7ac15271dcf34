//! What happens to a portfolio.

use std::collections::BTreeMap;

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{instrument::InstrumentId, portfolio::Terms, strategy::Decided};

/// What happens to a portfolio.
#[derive(Clone, Debug, Deserialize, Event, Eq, PartialEq, Serialize)]
pub enum PortfolioEvent {
    /// It was opened.
    PortfolioOpened {
        /// With how much, and how it trades.
        terms: Terms,
    },
    /// An order was filled.
    TradeExecuted {
        /// What was traded.
        symbol: InstrumentId,
        /// Bought or sold.
        side: Side,
        /// How much.
        quantity: Decimal,
        /// At which price.
        price: Decimal,
        /// What it cost beside the price.
        fee: Decimal,
        /// When, on the market's clock.
        at: Timestamp,
        /// Which edition of the strategy wanted it; none if it was ordered by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Decided>,
    },
    /// The strategy wanted to trade, and the books did not allow it.
    OrderRejected {
        /// What was to be traded.
        symbol: InstrumentId,
        /// Bought or sold.
        side: Side,
        /// Why not.
        reason: String,
        /// When, on the market's clock.
        at: Timestamp,
    },
    /// The portfolio has seen the market up to a time. Trades that it made on the way come before
    /// this event, in the same append.
    QuotesFollowed {
        /// Up to when, everything included.
        through: Timestamp,
        /// The last price of each instrument that was quoted.
        last_prices: BTreeMap<InstrumentId, Decimal>,
        /// What the portfolio was worth at the end of each day on the way.
        values: Vec<DayValue>,
    },
}

/// Whether something is bought or sold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// It is bought.
    Buy,
    /// It is sold.
    Sell,
}

/// What a portfolio was worth at the last quote of a day.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DayValue {
    /// The time of the last quote.
    pub at: Timestamp,
    /// Cash and holdings at their last prices.
    pub value: Decimal,
}

impl DayValue {
    /// The number of the day since 1970-01-01, in UTC.
    #[must_use]
    pub fn day(&self) -> i64 {
        self.at.as_micros().div_euclid(MICROS_PER_DAY)
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;
