//! A row of a price file.

use lucent_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::instrument::{Bar, InstrumentId};

/// A row of a price file, and where it stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The instrument.
    pub symbol: InstrumentId,
    /// The prices.
    pub bar: Bar,
}

impl Row {
    /// When the prices were seen.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.bar.at
    }

    /// The order in which rows are replayed.
    pub(crate) fn key(&self) -> (Timestamp, &InstrumentId, u64) {
        (self.bar.at, &self.symbol, self.line)
    }
}
