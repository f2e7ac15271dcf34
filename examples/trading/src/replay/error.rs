//! Why a replay ended early.

use lucent_core::{CommandError, DecodeError, LoadError, ReadError, store::StoreError};

use crate::{
    instrument::PricesRefused,
    portfolio::{FollowRefused, OpenRefused},
    prices::PriceFileError,
    replay::OtherTerms,
    strategy::InvalidStrategy,
};

/// A replay that ended early. What was done before stays done, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The portfolio in the store trades on other terms.
    #[error(transparent)]
    OtherTerms(#[from] OtherTerms),
    /// The windows make no strategy.
    #[error(transparent)]
    Strategy(#[from] InvalidStrategy),
    /// The price file cannot be used.
    #[error(transparent)]
    Prices(#[from] PriceFileError),
    /// The portfolio was not opened.
    #[error("cannot open the portfolio: {0}")]
    Open(#[from] CommandError<OpenRefused>),
    /// Prices were not recorded.
    #[error("cannot record the prices of {symbol}: {source}")]
    Record {
        /// Of which instrument.
        symbol: String,
        /// Why not.
        source: CommandError<PricesRefused>,
    },
    /// Quotes were not followed.
    #[error("the portfolio cannot follow the market: {0}")]
    Follow(#[from] CommandError<FollowRefused>),
    /// A state could not be read from the store.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A recorded price could not be read back.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A read model could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that reads prices is gone.
    #[error("the thread that reads prices ended: {0}")]
    Reader(#[from] tokio::task::JoinError),
}

impl ReplayError {
    /// Whether what the user gave is at fault.
    #[must_use]
    pub const fn is_bad_input(&self) -> bool {
        match self {
            Self::OtherTerms(_) | Self::Strategy(_) | Self::Prices(_) => true,
            Self::Open(error) => matches!(error, CommandError::Refused(_)),
            Self::Record { source, .. } => matches!(source, CommandError::Refused(_)),
            _ => false,
        }
    }
}
