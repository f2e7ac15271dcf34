//! Everything that a domain and its application need: `use lucent_core::prelude::*;`.
//!
//! Invariant: nothing here shadows a name of the standard prelude.

pub use serde::{Deserialize, Serialize};

pub use crate::{
    Aggregate, AggregateId, App, BusinessContext, Command, CommandContext, CommandError, CommandId,
    Consistency, ContentType, Decision, DecisionModel, Done, Event, EventId, Evolve, Keep,
    MemoryStore, Metadata, NewEvent, ParkingPolicy, Payload, Position, Projected, Query, ReadError,
    ReadModel, RecordedEvent, Resource, RetryPolicy, StartError, StreamId, Tag, Timestamp, Uuid,
    Version, View, command_handler, ensure, event_handler, evolve, function,
    function::{CallContext, FunctionManager},
    projector, query_handler,
};
