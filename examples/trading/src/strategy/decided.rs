//! Which edition of the strategy decided, as it is recorded with what came of it.

use lucent_core::{
    function::{EditionId, Ran},
    prelude::*,
};

/// Which edition of the strategy decided, and why that one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Decided {
    /// The edition.
    pub edition: EditionId,
    /// Why this one.
    pub reason: String,
    /// The last change of control that the choice knew.
    pub epoch: Position,
}

impl From<Ran> for Decided {
    fn from(ran: Ran) -> Self {
        Self { edition: ran.edition, reason: ran.reason.to_string(), epoch: ran.epoch }
    }
}
