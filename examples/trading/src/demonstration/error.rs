//! Why a demonstration ended early.

use std::io;

use lucent_core::{
    DecodeError, StartError, StreamId,
    function::{ManagerError, OrderError, Refusal},
    store::StoreError,
};

use crate::{prices::PriceFileError, replay::ReplayError};

/// A demonstration that ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemonstrationError {
    /// The application did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The manager of the functions did not start.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// The bundled prices cannot be read.
    #[error(transparent)]
    Prices(#[from] PriceFileError),
    /// The replay ended early.
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// An order was not carried out.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The manager does not have the strategy.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored event cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The name of a stream is none.
    #[error(transparent)]
    Stream(#[from] lucent_core::InvalidStreamId),
    /// A trade that was decided again came out otherwise.
    #[error("{stream}: the trade of {symbol} at {at} came out otherwise when it was decided again")]
    Otherwise {
        /// Where it is recorded.
        stream: StreamId,
        /// The instrument.
        symbol: String,
        /// When.
        at: lucent_core::Timestamp,
    },
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl From<ReplayError> for DemonstrationError {
    fn from(error: ReplayError) -> Self {
        Self::Replay(Box::new(error))
    }
}
