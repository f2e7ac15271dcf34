//! How exact amounts are.
//!
//! Invariant: money is decimal, never floating point; every rounding in the books happens here.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of a price; more are rounded when a price is read.
pub const PRICE_SCALE: u32 = 8;

/// Decimals of a quantity: fractions of a share are traded.
pub const QUANTITY_SCALE: u32 = 4;

/// Decimals of a fee.
pub const FEE_SCALE: u32 = 2;

/// The highest price that is understood, so that no product overflows.
pub const HIGHEST_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The largest quantity of one order, so that no product overflows.
pub const LARGEST_QUANTITY: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The largest amount of cash to start with.
pub const LARGEST_CASH: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// The fee on an amount, in hundredths of a percent, to the cent; half a cent counts as one.
///
/// ```
/// use rust_decimal::Decimal;
/// let fee = trading::money::fee_on(Decimal::from(1_234), 10);
/// assert_eq!(fee, Decimal::new(123, 2));
/// ```
#[must_use]
pub fn fee_on(amount: Decimal, fee_bps: u32) -> Decimal {
    let fee = amount * Decimal::from(fee_bps) / BASIS_POINTS;
    fee.round_dp_with_strategy(FEE_SCALE, RoundingStrategy::MidpointAwayFromZero)
}

/// The largest quantity that a budget pays for, its fee included; zero if it pays for none.
#[must_use]
pub fn affordable_quantity(budget: Decimal, price: Decimal, fee_bps: u32) -> Decimal {
    let each = price * (BASIS_POINTS + Decimal::from(fee_bps)) / BASIS_POINTS;
    match budget.checked_div(each) {
        Some(quantity) => quantity.trunc_with_scale(QUANTITY_SCALE).min(LARGEST_QUANTITY),
        None => Decimal::ZERO,
    }
}

/// The part of a cost that leaves with a part of a quantity. The whole quantity takes it all, so
/// that nothing is left by rounding.
#[must_use]
pub fn share_of_cost(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal {
    if part >= whole {
        return cost;
    }
    (cost / whole * part).round_dp(PRICE_SCALE + QUANTITY_SCALE)
}

const BASIS_POINTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_pays_for_the_fee_too() {
        let budget = Decimal::from(1_000);
        let price = Decimal::new(333, 1);
        let quantity = affordable_quantity(budget, price, 10);
        assert_eq!(quantity, Decimal::new(300_000, 4));
        let amount = quantity * price;
        assert!(amount + fee_on(amount, 10) <= budget);
    }

    #[test]
    fn the_limits_are_what_their_names_say() {
        assert_eq!(HIGHEST_PRICE, Decimal::from(10_u64.pow(9)));
        assert_eq!(LARGEST_CASH, Decimal::from(10_u64.pow(12)));
    }

    #[test]
    fn the_last_part_takes_what_rounding_left() {
        let cost = Decimal::from(10);
        let third = share_of_cost(cost, Decimal::ONE, Decimal::from(3));
        let rest = share_of_cost(cost - third, Decimal::from(2), Decimal::from(2));
        assert_eq!(third + rest, cost);
    }
}
