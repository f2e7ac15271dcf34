//! Following the market: quotes in, trades and values out.
//!
//! Invariant: a quote is followed once. What was followed is part of the books, in the same append
//! as the trades, so a run that was killed goes on where it was.

use std::collections::BTreeMap;

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{
    instrument::InstrumentId,
    money,
    portfolio::{
        DayValue, Order, OrderRefused, Portfolio, PortfolioEvent, PortfolioId, Side, order::fill,
    },
    strategy::{Decided, Signal},
};

/// A price, and what the strategy makes of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Quote {
    /// The instrument.
    pub symbol: InstrumentId,
    /// When.
    pub at: Timestamp,
    /// The price.
    pub price: Decimal,
    /// What the strategy says.
    pub signal: Signal,
    /// Which edition of it, or why there was none to say anything.
    pub by: Result<Decided, String>,
}

/// Follows quotes in the order of time, and trades on their signals.
///
/// A batch ends at the end of a point in time: quotes at or before the last one that was followed
/// are ignored.
#[derive(Clone, Debug, Deserialize, Serialize, Command)]
#[command(aggregate = Portfolio)]
pub struct FollowQuotes {
    /// The portfolio.
    #[id]
    pub portfolio: PortfolioId,
    /// The quotes.
    pub quotes: Vec<Quote>,
}

/// Buys for a fifth of the cash on a signal to buy, and sells everything on a signal to sell.
///
/// # Errors
/// [`FollowRefused`]; nothing is followed then.
#[command_handler]
pub fn follow_quotes(
    portfolio: &Portfolio,
    command: &FollowQuotes,
) -> Result<Vec<PortfolioEvent>, FollowRefused> {
    let seen = portfolio.through;
    let mut session = Session::open(portfolio)?;
    for quote in &command.quotes {
        if seen.is_none_or(|seen| quote.at > seen) {
            session.follow(quote)?;
        }
    }
    Ok(session.close())
}

/// Why quotes were not followed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FollowRefused {
    /// The portfolio does not exist.
    #[error("the portfolio is not open: open it first")]
    NotOpen,
    /// The quotes are not in the order of time.
    #[error("the quote of {symbol} at {at} follows one at {previous}: order them by time")]
    OutOfOrder {
        /// The instrument.
        symbol: InstrumentId,
        /// The time of the quote.
        at: Timestamp,
        /// The time of the one before it.
        previous: Timestamp,
    },
    /// A price makes no sense.
    #[error(
        "{price} is not a price of {symbol}: it is more than 0 and at most {}",
        money::HIGHEST_PRICE
    )]
    Price {
        /// The instrument.
        symbol: InstrumentId,
        /// The price.
        price: Decimal,
    },
}

/// The books while a batch of quotes is followed, and what happened so far.
struct Session {
    portfolio: Portfolio,
    fee_bps: u32,
    last: Option<Timestamp>,
    last_prices: BTreeMap<InstrumentId, Decimal>,
    values: Vec<DayValue>,
    events: Vec<PortfolioEvent>,
}

impl Session {
    fn open(portfolio: &Portfolio) -> Result<Self, FollowRefused> {
        let terms = portfolio.terms.ok_or(FollowRefused::NotOpen)?;
        Ok(Self {
            portfolio: portfolio.clone(),
            fee_bps: terms.fee_bps,
            last: None,
            last_prices: BTreeMap::new(),
            values: Vec::new(),
            events: Vec::new(),
        })
    }

    fn follow(&mut self, quote: &Quote) -> Result<(), FollowRefused> {
        if quote.price <= Decimal::ZERO || quote.price > money::HIGHEST_PRICE {
            return Err(FollowRefused::Price { symbol: quote.symbol.clone(), price: quote.price });
        }
        if let Some(previous) = self.last {
            if quote.at < previous {
                return Err(FollowRefused::OutOfOrder {
                    symbol: quote.symbol.clone(),
                    at: quote.at,
                    previous,
                });
            }
            if day_of(quote.at) != day_of(previous) {
                self.value_at(previous);
            }
        }
        self.last = Some(quote.at);
        self.portfolio.mark(&quote.symbol, quote.price);
        self.last_prices.insert(quote.symbol.clone(), quote.price);
        if let Some(order) = self.order_for(quote) {
            let event =
                fill(&self.portfolio, &order).unwrap_or_else(|error| rejected(&order, &error));
            self.portfolio.evolve(&event);
            self.events.push(event);
        }
        Ok(())
    }

    /// The order that a signal calls for; none if there is nothing to sell or it is held already.
    fn order_for(&self, quote: &Quote) -> Option<Order> {
        let held = self.portfolio.quantity(&quote.symbol);
        let (side, quantity) = match quote.signal {
            Signal::Buy if held.is_zero() => {
                let budget = self.portfolio.cash / CASH_PARTS;
                let quantity = money::affordable_quantity(budget, quote.price, self.fee_bps);
                (Side::Buy, quantity)
            }
            Signal::Sell if !held.is_zero() => (Side::Sell, held),
            Signal::Buy | Signal::Hold | Signal::Sell => return None,
        };
        Some(Order {
            symbol: quote.symbol.clone(),
            side,
            quantity,
            price: quote.price,
            at: quote.at,
            by: quote.by.clone().ok(),
        })
    }

    fn value_at(&mut self, at: Timestamp) {
        let value = self.portfolio.equity().round_dp(money::FEE_SCALE).normalize();
        self.values.push(DayValue { at, value });
    }

    fn close(mut self) -> Vec<PortfolioEvent> {
        if let Some(through) = self.last {
            self.value_at(through);
            self.events.push(PortfolioEvent::QuotesFollowed {
                through,
                last_prices: self.last_prices,
                values: self.values,
            });
        }
        self.events
    }
}

fn rejected(order: &Order, error: &OrderRefused) -> PortfolioEvent {
    PortfolioEvent::OrderRejected {
        symbol: order.symbol.clone(),
        side: order.side,
        reason: error.to_string(),
        at: order.at,
    }
}

fn day_of(at: Timestamp) -> i64 {
    DayValue { at, value: Decimal::ZERO }.day()
}

/// A signal to buy spends one of this many parts of the cash.
const CASH_PARTS: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
