//! A portfolio: what its events add up to.
//!
//! Invariant: `equity = initial cash + realized + unrealized - fees`, whatever was traded.

use std::collections::BTreeMap;

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{
    instrument::InstrumentId,
    portfolio::{Holding, PortfolioEvent, Side},
    strategy::Strategy,
};

/// The name of a portfolio.
#[derive(AggregateId)]
pub struct PortfolioId(String);

/// With how much a portfolio starts, and how it trades.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Terms {
    /// Cash at the start.
    pub initial_cash: Decimal,
    /// The fee of a trade, in hundredths of a percent of its amount.
    pub fee_bps: u32,
    /// When it buys and sells.
    pub strategy: Strategy,
}

/// A portfolio, to decide on and to be read: one document, so that what is read of it adds up.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Aggregate, ReadModel)]
#[aggregate(id = PortfolioId, event = PortfolioEvent, snapshot(every = 2000, version = 1))]
pub struct Portfolio {
    /// What it was opened with; nothing before it was opened.
    pub terms: Option<Terms>,
    /// Cash now.
    pub cash: Decimal,
    /// Fees paid so far.
    pub fees: Decimal,
    /// How many trades were made.
    pub trades: u64,
    /// How many orders were rejected.
    pub rejected: u64,
    /// Up to when the market was seen.
    pub through: Option<Timestamp>,
    /// Every instrument that was seen, held or not.
    pub holdings: BTreeMap<InstrumentId, Holding>,
}

/// Enters an event into the books.
#[evolve]
#[projector(name = "portfolios", version = 1)]
pub fn keep_books(portfolio: &mut Portfolio, event: &PortfolioEvent) {
    match event {
        PortfolioEvent::PortfolioOpened { terms } => {
            portfolio.terms = Some(*terms);
            portfolio.cash = terms.initial_cash;
        }
        PortfolioEvent::TradeExecuted { symbol, side, quantity, price, fee, .. } => {
            let amount = quantity * price;
            match side {
                Side::Buy => portfolio.cash -= amount,
                Side::Sell => portfolio.cash += amount,
            }
            portfolio.cash -= fee;
            portfolio.fees += fee;
            portfolio.trades += 1;
            portfolio.holding(symbol).trade(*side, *quantity, *price);
        }
        PortfolioEvent::OrderRejected { .. } => portfolio.rejected += 1,
        PortfolioEvent::QuotesFollowed { through, last_prices, values: _ } => {
            portfolio.through = Some(*through);
            for (symbol, price) in last_prices {
                portfolio.mark(symbol, *price);
            }
        }
    }
}

impl Portfolio {
    /// Notes the last price of an instrument.
    pub fn mark(&mut self, symbol: &InstrumentId, price: Decimal) {
        self.holding(symbol).last_price = price;
    }

    /// How much is held of an instrument.
    #[must_use]
    pub fn quantity(&self, symbol: &InstrumentId) -> Decimal {
        self.holdings.get(symbol).map_or(Decimal::ZERO, |holding| holding.quantity)
    }

    /// Cash and holdings at their last prices.
    #[must_use]
    pub fn equity(&self) -> Decimal {
        self.cash + self.holdings.values().map(Holding::value).sum::<Decimal>()
    }

    /// Profit or loss of everything that was sold, without fees.
    #[must_use]
    pub fn realized(&self) -> Decimal {
        self.holdings.values().map(|holding| holding.realized).sum()
    }

    /// Profit or loss of everything that is held, without fees.
    #[must_use]
    pub fn unrealized(&self) -> Decimal {
        self.holdings.values().map(Holding::unrealized).sum()
    }

    fn holding(&mut self, symbol: &InstrumentId) -> &mut Holding {
        if !self.holdings.contains_key(symbol) {
            self.holdings.insert(symbol.clone(), Holding::default());
        }
        self.holdings.get_mut(symbol).expect("it was inserted if it was missing")
    }
}
