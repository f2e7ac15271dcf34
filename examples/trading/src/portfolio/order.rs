//! Orders, and when they are filled.
//!
//! Invariant: no order takes cash or holdings below zero.

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{
    instrument::InstrumentId,
    money,
    portfolio::{Portfolio, PortfolioEvent, PortfolioId, Side},
    strategy::Decided,
};

/// What is to be traded.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Order {
    /// The instrument.
    pub symbol: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: Decimal,
    /// At which price.
    pub price: Decimal,
    /// When, on the market's clock.
    pub at: Timestamp,
    /// Which edition of the strategy wants it; none if it is placed by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Decided>,
}

/// Places one order by hand.
#[derive(Clone, Debug, Deserialize, Serialize, Command)]
#[command(aggregate = Portfolio)]
pub struct PlaceOrder {
    /// The portfolio.
    #[id]
    pub portfolio: PortfolioId,
    /// The order.
    pub order: Order,
}

/// Fills an order, or says why not.
///
/// # Errors
/// [`OrderRefused`].
#[command_handler]
pub fn place_order(
    portfolio: &Portfolio,
    command: &PlaceOrder,
) -> Result<PortfolioEvent, OrderRefused> {
    fill(portfolio, &command.order)
}

/// What becomes of an order on these books.
pub(crate) fn fill(portfolio: &Portfolio, order: &Order) -> Result<PortfolioEvent, OrderRefused> {
    let terms = portfolio.terms.ok_or(OrderRefused::NotOpen)?;
    if order.quantity <= Decimal::ZERO || order.quantity > money::LARGEST_QUANTITY {
        return Err(OrderRefused::Quantity { quantity: order.quantity });
    }
    if order.price <= Decimal::ZERO || order.price > money::HIGHEST_PRICE {
        return Err(OrderRefused::Price { price: order.price });
    }
    let amount = order.quantity * order.price;
    let fee = money::fee_on(amount, terms.fee_bps);
    let cash = portfolio.cash;
    match order.side {
        Side::Buy if amount + fee > cash => {
            return Err(OrderRefused::InsufficientFunds { needed: amount + fee, cash });
        }
        Side::Sell if order.quantity > portfolio.quantity(&order.symbol) => {
            return Err(OrderRefused::NotEnoughHeld {
                symbol: order.symbol.clone(),
                wanted: order.quantity,
                held: portfolio.quantity(&order.symbol),
            });
        }
        // The proceeds of a sale may be less than its fee when the amount is below a cent.
        Side::Sell if cash + amount < fee => {
            return Err(OrderRefused::InsufficientFunds { needed: fee - amount, cash });
        }
        Side::Buy | Side::Sell => {}
    }
    Ok(PortfolioEvent::TradeExecuted {
        symbol: order.symbol.clone(),
        side: order.side,
        quantity: order.quantity,
        price: order.price,
        fee,
        at: order.at,
        by: order.by.clone(),
    })
}

/// Why an order was not filled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderRefused {
    /// There is not enough cash.
    #[error("the order needs {needed} and there is {cash} in cash")]
    InsufficientFunds {
        /// What the order needs, its fee included.
        needed: Decimal,
        /// What there is.
        cash: Decimal,
    },
    /// More is to be sold than is held.
    #[error("{wanted} of {symbol} are to be sold and {held} are held")]
    NotEnoughHeld {
        /// The instrument.
        symbol: InstrumentId,
        /// How much was to be sold.
        wanted: Decimal,
        /// How much is held.
        held: Decimal,
    },
    /// The portfolio does not exist.
    #[error("the portfolio is not open: open it first")]
    NotOpen,
    /// The price makes no sense.
    #[error("{price} is not a price: it is more than 0 and at most {}", money::HIGHEST_PRICE)]
    Price {
        /// The price.
        price: Decimal,
    },
    /// The quantity makes no sense.
    #[error(
        "{quantity} is not a quantity to trade: it is more than 0 and at most {}",
        money::LARGEST_QUANTITY
    )]
    Quantity {
        /// The quantity.
        quantity: Decimal,
    },
}
