//! Everything that a domain file needs: `use lucent_core::prelude::*;`.
//!
//! Invariant: nothing here shadows a name of the standard prelude.

pub use serde::{Deserialize, Serialize};

pub use crate::{
    Aggregate, AggregateId, Command, CommandContext, Decision, Event, Evolve, Keep, Position,
    Projected, Query, ReadError, ReadModel, RecordedEvent, Resource, Timestamp, Uuid, View,
    command_handler, event_handler, projector, query_handler,
};
