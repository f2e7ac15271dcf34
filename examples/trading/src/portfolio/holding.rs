//! One instrument in the books of a portfolio.
//!
//! Invariant: cost follows quantity, so that nothing is held for free and nothing sold keeps a cost.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{money, portfolio::Side};

/// One instrument in the books.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Holding {
    /// How much is held.
    pub quantity: Decimal,
    /// What that was bought for, without fees.
    pub cost: Decimal,
    /// The last price that was seen.
    pub last_price: Decimal,
    /// Profit or loss of what was sold, without fees.
    pub realized: Decimal,
    /// How many trades were made in it.
    pub trades: u64,
}

impl Holding {
    /// What is held, at its last price.
    #[must_use]
    pub fn value(&self) -> Decimal {
        self.quantity * self.last_price
    }

    /// What one was bought for, on average; zero if nothing is held.
    #[must_use]
    pub fn average_cost(&self) -> Decimal {
        self.cost.checked_div(self.quantity).unwrap_or_default().round_dp(money::PRICE_SCALE)
    }

    /// Profit or loss of what is held, without fees.
    #[must_use]
    pub fn unrealized(&self) -> Decimal {
        self.value() - self.cost
    }

    pub(crate) fn trade(&mut self, side: Side, quantity: Decimal, price: Decimal) {
        let amount = quantity * price;
        match side {
            Side::Buy => {
                self.quantity += quantity;
                self.cost += amount;
            }
            Side::Sell => {
                let cost = money::share_of_cost(self.cost, quantity, self.quantity);
                self.quantity -= quantity;
                self.cost -= cost;
                self.realized += amount - cost;
            }
        }
        self.last_price = price;
        self.trades += 1;
    }
}
