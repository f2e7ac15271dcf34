//! Opening a portfolio.

use lucent_core::prelude::*;
use rust_decimal::Decimal;

use crate::{
    money,
    portfolio::{Portfolio, PortfolioEvent, PortfolioId, Terms},
};

/// Opens a portfolio.
#[derive(Clone, Debug, Deserialize, Serialize, Command)]
#[command(aggregate = Portfolio)]
pub struct OpenPortfolio {
    /// Its name.
    #[id]
    pub portfolio: PortfolioId,
    /// With how much, and how it trades.
    pub terms: Terms,
}

/// Opens a portfolio; opening it again on the same terms changes nothing.
///
/// # Errors
/// [`OpenRefused`].
#[command_handler]
pub fn open_portfolio(
    portfolio: &Portfolio,
    command: &OpenPortfolio,
) -> Result<Option<PortfolioEvent>, OpenRefused> {
    let terms = command.terms;
    match portfolio.terms {
        Some(open) if open == terms => return Ok(None),
        Some(_) => return Err(OpenRefused::OtherTerms),
        None => {}
    }
    if terms.initial_cash <= Decimal::ZERO || terms.initial_cash > money::LARGEST_CASH {
        return Err(OpenRefused::Cash { cash: terms.initial_cash });
    }
    if terms.fee_bps > HIGHEST_FEE {
        return Err(OpenRefused::Fee { fee_bps: terms.fee_bps });
    }
    Ok(Some(PortfolioEvent::PortfolioOpened { terms }))
}

/// Why a portfolio was not opened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenRefused {
    /// The cash is not an amount to start with.
    #[error(
        "{cash} is not an amount to start with: it is more than 0 and at most {}",
        money::LARGEST_CASH
    )]
    Cash {
        /// The amount.
        cash: Decimal,
    },
    /// The fee is too high.
    #[error("a fee of {fee_bps} basis points is too high: it is at most {HIGHEST_FEE}")]
    Fee {
        /// The fee.
        fee_bps: u32,
    },
    /// It was opened on other terms.
    #[error("the portfolio was opened on other terms: keep them, or use another store")]
    OtherTerms,
}

/// The highest fee: half of the amount.
const HIGHEST_FEE: u32 = 5_000;
