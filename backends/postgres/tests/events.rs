//! Events and appends for tests that care only about whether they are written.

use std::sync::Arc;

use lucent_core::{
    BusinessContext, CommandId, EventId, Metadata, NewEvent, Payload, StreamId, Timestamp,
    store::{Append, ExpectedVersion},
};

pub(crate) fn event() -> NewEvent {
    NewEvent {
        id: EventId::new(),
        event_type: "Happened".into(),
        schema_version: 1,
        payload: Payload::json(&42).expect("a number is JSON"),
        tags: Vec::new(),
        metadata: Arc::new(Metadata::of_command(CommandId::new(), BusinessContext::default())),
        recorded_at: Timestamp::from_micros(1),
    }
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).expect("the tests' names are valid")
}

pub(crate) fn append(name: &str, expected: ExpectedVersion) -> Append {
    Append::one(stream(name), expected, vec![event()])
}
