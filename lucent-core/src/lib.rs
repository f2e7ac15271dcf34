//! Event sourcing with a functional core.
//!
//! A domain is plain types and pure functions; Lucent supplies the stores, the projections and the
//! wiring, and checks the wiring when the crate is compiled. Start with the project's README, then
//! the book.
//!
//! Invariant of this crate: it knows no database and no broker.

extern crate self as lucent_core;

mod aggregate;
mod app;
mod command;
mod decision_model;
mod ensure;
mod event;
mod event_handler;
mod expansion;
pub mod function;
mod function_id;
mod id;
mod memory;
pub mod mesh;
mod payload;
mod position;
pub mod prelude;
mod projection;
mod query;
pub mod registry;
mod resource;
mod shared_name;
mod stable_hash;
mod state;
pub mod store;
mod stream;
mod tag;
mod time;

pub use aggregate::{Aggregate, SnapshotPolicy};
pub use app::{
    App, AppBuilder, CommandError, Done, EventHandlerHandle, EventHandlerStatus, Execute,
    HandlerControlError, LoadError, Loaded, Pace, ParkingPolicy, PartitionStatus,
    ProjectionControlError, ProjectionHandle, ProjectionState, ProjectionStatus, Question,
    Rehandled, Retried, RetryPolicy, StartError, StartFrom, Subscription,
};
pub use command::{
    AggregateCommand, ByAggregate, ByTags, Command, CommandContext, DecidedOn, Decision, EventOf,
    Handled, IntoDecision, Reply,
};
pub use decision_model::{DecisionModel, DivideError, ModelFor, ModelQuery, Models, OutsideModels};
pub use event::{
    BusinessContext, CommandId, DecodeError, DecodeFault, Event, EventId, EventType, Metadata,
    NewEvent, RecordedEvent, StreamEvent, Upcast,
};
pub use event_handler::{
    EventHandler, HandlerFault, HandlerOutcome, Reaction, SharedEventHandler, TypedEventHandler,
};
pub use id::{AggregateId, GeneratedValue, IdValue, Identifies, InvalidId};
pub use lucent_macros::{
    Aggregate, AggregateId, Command, DecisionModel, Event, Query, ReadModel, command_handler,
    event_handler, evolve, function, projector, query_handler, registry,
};
pub use memory::MemoryStore;
pub use payload::{ContentType, EncodeError, Payload};
pub use position::{Position, Version};
pub use projection::{
    Consistency, IntoKeys, Keep, Partition, Projected, Projection, ProjectionError,
    ProjectionOutcome, ProjectionPlan, ProjectionStep, Projector, ReadModel, StoreProjection,
    TypedProjection,
};
pub use query::{Answered, Query, QueryOutcome, ReadError, StuckCause, View};
pub use resource::{Inject, MissingResource, Resource, Shell};
pub use state::{Evolve, State};
pub use stream::{InvalidStreamId, StreamId};
pub use tag::{InvalidTag, Tag, TagValue};
pub use time::{Clock, InvalidTimestamp, ManualClock, SystemClock, Timestamp};
pub use uuid::Uuid;

/// What generated code refers to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use async_trait::async_trait;
    pub use serde;
    pub use serde_json;

    pub use crate::expansion::*;
    pub use crate::{
        command::{Execution, OnAggregate},
        decision_model::{HasTag, TagKey, every_type},
        event::{decode_struct, decode_variant, encode_struct, encode_variant},
        projection::shared,
        tag::kind,
    };
}
