//! On which terms a portfolio trades: those it was opened on, or those that are asked for.
//!
//! Invariant: a portfolio never trades on other terms than it was opened on.

use std::fmt;

use rust_decimal::Decimal;

use crate::{
    portfolio::Terms,
    strategy::{InvalidStrategy, Strategy},
};

/// What the user asked for; what was left open is taken from the portfolio, or is the default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RequestedTerms {
    /// Cash at the start; 100 000 by default.
    pub cash: Option<Decimal>,
    /// Fee in hundredths of a percent; 10 by default.
    pub fee_bps: Option<u32>,
    /// The fast window; 3 by default.
    pub fast: Option<usize>,
    /// The slow window; 10 by default.
    pub slow: Option<usize>,
}

impl RequestedTerms {
    /// The terms for a new portfolio.
    ///
    /// # Errors
    /// When the windows make no strategy.
    pub fn for_new(self) -> Result<Terms, InvalidStrategy> {
        let fast = self.fast.unwrap_or(3);
        Ok(Terms {
            initial_cash: self.cash.unwrap_or(Decimal::ONE_HUNDRED * Decimal::ONE_THOUSAND),
            fee_bps: self.fee_bps.unwrap_or(10),
            strategy: Strategy::new(fast, self.slow.unwrap_or(10))?,
        })
    }

    /// Checks that nothing else is asked of a portfolio than it was opened on.
    ///
    /// # Errors
    /// [`OtherTerms`] for the first difference.
    pub fn agree_with(self, open: &Terms) -> Result<(), OtherTerms> {
        let strategy = open.strategy;
        same("--cash", self.cash, &open.initial_cash)?;
        same("--fee-bps", self.fee_bps, &open.fee_bps)?;
        same("--fast", self.fast, &strategy.fast())?;
        same("--slow", self.slow, &strategy.slow())
    }
}

/// The portfolio in the store trades on other terms.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the portfolio in this store was opened with {option} {open}, not {asked}: leave the option out, or use another store"
)]
pub struct OtherTerms {
    /// Which term.
    pub option: &'static str,
    /// Its value in the store.
    pub open: String,
    /// The value that was asked for.
    pub asked: String,
}

fn same<T: PartialEq + fmt::Display>(
    option: &'static str,
    asked: Option<T>,
    open: &T,
) -> Result<(), OtherTerms> {
    match asked {
        Some(asked) if asked != *open => {
            Err(OtherTerms { option, open: open.to_string(), asked: asked.to_string() })
        }
        _ => Ok(()),
    }
}
