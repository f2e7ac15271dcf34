//! Aggregates: states that are the fold of one stream's events.
//!
//! Invariant: a state is a function of its events alone; a snapshot only saves time.

use crate::{
    id::AggregateId,
    payload::{EncodeError, Payload},
    state::State,
};

/// The state that commands are decided on.
///
/// `#[derive(Aggregate)]` with `#[aggregate(id = …, event = …)]` writes this; the fold itself is
/// [`Evolve`](crate::Evolve). The default value is the state before the first event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    note = "write `#[derive(Default, Aggregate)] #[aggregate(id = SomeId, event = SomeEvent)]` on the type"
)]
pub trait Aggregate: State + Default {
    /// The type of its identifiers.
    type Id: AggregateId;

    /// The name of the type, under which its snapshots are kept.
    const NAME: &'static str;

    /// When snapshots are taken; never, if there is no policy.
    const SNAPSHOT: Option<SnapshotPolicy> = None;

    /// Encodes the state; only called if there is a policy.
    ///
    /// # Errors
    /// When the state's `Serialize` fails.
    fn encode_snapshot(&self) -> Result<Payload, EncodeError> {
        Err(EncodeError { reason: format!("{} takes no snapshots", Self::NAME) })
    }

    /// Decodes a state; only called if there is a policy.
    ///
    /// # Errors
    /// When the payload is not such a state. The stream is replayed then.
    fn decode_snapshot(payload: &Payload) -> Result<Self, String> {
        let _ = payload;
        Err(format!("{} takes no snapshots", Self::NAME))
    }
}

/// When snapshots of an aggregate are taken, and the version of their shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SnapshotPolicy {
    /// After how many events.
    pub every: u64,
    /// The version of the state's shape; snapshots of another version are not used.
    pub version: u32,
}
