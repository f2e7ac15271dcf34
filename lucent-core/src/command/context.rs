//! What a decision may know beside the state and the command.
//!
//! Invariant: equal contexts give equal decisions, so a decision can be repeated and tested.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    event::{CommandId, Metadata},
    id::AggregateId,
    position::Version,
    time::Timestamp,
};

/// What a command handler may ask for as its last parameter: `context: &CommandContext`.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandContext {
    command: CommandId,
    now: Timestamp,
    version: Version,
    metadata: Arc<Metadata>,
}

impl CommandContext {
    /// A context; for the engine and for tests.
    #[must_use]
    pub fn new(
        command: CommandId,
        now: Timestamp,
        version: Version,
        metadata: impl Into<Arc<Metadata>>,
    ) -> Self {
        Self { command, now, version, metadata: metadata.into() }
    }

    /// The command's id.
    #[must_use]
    pub fn command(&self) -> CommandId {
        self.command
    }

    /// The time of the decision.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The version of the aggregate's stream that the decision is made on.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the aggregate has any events yet.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.version > Version::ZERO
    }

    /// Correlation, causation and business context.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// An identifier that belongs to this command: the same number gives the same identifier
    /// however often the decision is repeated.
    #[must_use]
    pub fn id<I: AggregateId<Value = Uuid>>(&self, number: u32) -> I {
        I::from_value(Uuid::new_v5(&self.command.uuid(), &number.to_be_bytes()))
    }
}
