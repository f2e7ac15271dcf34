//! What today's code makes of events that older code stored.
//!
//! Invariant: a stored payload is read the way a replay reads it.

use std::sync::Arc;

use lucent_core::{
    BusinessContext, CommandId, Event, EventId, Metadata, Payload, Position, RecordedEvent,
    StreamId, Timestamp, Version,
};
use serde::Serialize;

use super::{
    Mismatch, checks, diff,
    story::{Line, Story, WIDTH},
    value::{Encoded, Value, named},
};

/// Starts a scenario with a stored event: its name, the version of its payload, and the payload.
///
/// ```
/// # #[path = "../../tests/scenario/bank.rs"] mod bank;
/// # use bank::*;
/// use lucent_testkit::given_stored;
/// use serde_json::json;
///
/// given_stored("MoneyWithdrawn", 1, json!({ "amount": 30 }))
///     .then_reads_as(AccountEvent::MoneyWithdrawn { amount: 30, channel: Channel::Unknown });
/// ```
///
/// # Panics
/// When the payload cannot be encoded as JSON.
#[track_caller]
pub fn given_stored(name: &str, version: u32, payload: impl Serialize) -> Stored {
    match Payload::json(&payload) {
        Ok(payload) => Stored::new(name, version, payload),
        Err(error) => panic!("{error}"),
    }
}

/// A scenario that knows what is stored.
#[derive(Debug)]
#[must_use = "a scenario without `then` checks nothing"]
pub struct Stored {
    name: String,
    version: u32,
    payload: Payload,
    story: Story,
}

impl Stored {
    fn new(name: &str, version: u32, payload: Payload) -> Self {
        let value = Value::of_payload(&payload);
        let text = named(&format!("{name} (version {version})"), &value, WIDTH);
        let mut story = Story::default();
        story.tell("stored", vec![Line::plain(text)]);
        Self { name: name.to_owned(), version, payload, story }
    }

    /// Expects the event that it reads as, older versions through their upcasts. Events are
    /// compared as they would be stored today.
    ///
    /// # Panics
    /// When it reads as another event, does not decode, or is retired; when the event that it
    /// reads as does not survive storage.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
    pub fn then_reads_as<E: Event>(self, event: E) {
        if let Err(mismatch) = self.check(&event) {
            self.story.fail(&mismatch);
        }
    }

    /// Expects that it is read and ignored, as the events `E` declare in `#[event(retired(…))]`.
    ///
    /// # Panics
    /// When it is read as an event, or does not decode.
    #[track_caller]
    pub fn then_is_ignored<E: Event>(self) {
        match self.read::<E>() {
            Ok(None) => {}
            Ok(Some(event)) => self.story.fail(
                &Mismatch::new("the event is not ignored")
                    .expected("ignored")
                    .actual(Encoded::spelled(&event).print(WIDTH))
                    .help(format!("list it in `#[event(retired(…))]` of {}", E::NAME)),
            ),
            Err(mismatch) => self.story.fail(&mismatch),
        }
    }

    fn check<E: Event>(&self, expected: &E) -> Result<(), Mismatch> {
        let expected = Encoded::spelled(expected);
        let Some(event) = self.read::<E>()? else {
            return Err(Mismatch::new("the event is ignored")
                .expected(expected.print(WIDTH))
                .actual("ignored")
                .help("if that is right, write `.then_is_ignored::<Events>()`"));
        };
        let actual = Encoded::spelled(&event);
        let lines = diff::events(&[expected], &[actual], diff::EXPECTED);
        if !lines.is_empty() {
            return Err(Mismatch::new("the event reads differently").lines(lines).help(format!(
                "correct the `upcast` of version {} in {}, or the scenario",
                self.version,
                E::NAME
            )));
        }
        checks::stored(&event).map(drop)
    }

    fn read<E: Event>(&self) -> Result<Option<E>, Mismatch> {
        let nowhere =
            StreamId::new("scenario-1").map_err(|error| Mismatch::new(error.to_string()))?;
        let command = CommandId::derived("scenario");
        let record = RecordedEvent {
            position: Position::new(1),
            stream: nowhere,
            version: Version::new(1),
            id: EventId::derived("scenario event 1"),
            event_type: self.name.clone().into(),
            schema_version: self.version,
            payload: self.payload.clone(),
            tags: Vec::new(),
            metadata: Arc::new(Metadata::of_command(command, BusinessContext::default())),
            recorded_at: Timestamp::default(),
        };
        E::decode(&record).map_err(|error| {
            Mismatch::new("the event does not read")
                .line(Line::plain(format!("as {}: {}", E::NAME, error.fault)))
                .help("what was stored once must stay readable: keep its upcast")
        })
    }
}
