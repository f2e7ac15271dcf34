//! What a scenario carries from step to step: the history, the time, and the story so far.
//!
//! Invariant: the history holds every event once, in the order in which they happened, and each
//! one that a command was decided on has a stream.

use std::{fmt, sync::Arc};

use lucent_core::{
    Aggregate, AggregateId, BusinessContext, CommandId, EncodeError, Event, EventId, Evolve,
    Metadata, NewEvent, Position, RecordedEvent, StreamId, Timestamp, Version,
};

use super::{
    checks,
    story::{Line, Mismatch, Story, WIDTH},
    value::Encoded,
    when::unpanicked,
};

/// The state of a scenario between two steps.
#[doc(hidden)]
pub struct Scene<E> {
    history: Vec<Happened<E>>,
    /// Whether the story has told what was given.
    told: bool,
    now: Timestamp,
    time_is_told: bool,
    /// How many commands were decided.
    decided: usize,
    pub(super) command: Option<CommandId>,
    pub(super) context: BusinessContext,
    pub(super) checks: bool,
    pub(super) story: Story,
}

struct Happened<E> {
    /// None until the first command tells whose events were given.
    stream: Option<StreamId>,
    /// None until the first command: then it is the time of the scenario.
    at: Option<Timestamp>,
    event: E,
}

impl<E: Event> Scene<E> {
    pub(super) fn new(events: Vec<E>) -> Self {
        let history = events.into_iter().map(|event| Happened { stream: None, at: None, event });
        Self {
            history: history.collect(),
            told: false,
            now: Timestamp::from_micros(START_OF_2026),
            time_is_told: true,
            decided: 0,
            command: None,
            context: BusinessContext::default(),
            checks: true,
            story: Story::default(),
        }
    }

    pub(super) fn set_time(&mut self, now: Timestamp) {
        self.now = now;
        self.time_is_told = false;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The stream of an aggregate; ends the test if there can be none.
    #[track_caller]
    pub(super) fn stream_of<I: AggregateId>(&self, id: &I) -> StreamId {
        match id.stream_id() {
            Ok(stream) => stream,
            Err(error) => self.story.fail(&Mismatch::new(error.to_string())),
        }
    }

    /// Puts the events that have no stream yet into this one.
    pub(super) fn place(&mut self, stream: &StreamId) {
        for happened in &mut self.history {
            happened.stream.get_or_insert_with(|| stream.clone());
        }
    }

    /// Puts each event that has no stream yet into the one that its tags say.
    pub(super) fn place_by(
        &mut self,
        stream_of: impl Fn(&E) -> Result<StreamId, Mismatch>,
    ) -> Result<(), Mismatch> {
        for happened in &mut self.history {
            if happened.stream.is_none() {
                happened.stream = Some(stream_of(&happened.event)?);
            }
        }
        Ok(())
    }

    pub(super) fn happened(&mut self, stream: &StreamId, events: Vec<E>) {
        let at = self.told.then_some(self.now);
        self.history.extend(events.into_iter().map(|event| Happened {
            stream: Some(stream.clone()),
            at,
            event,
        }));
    }

    /// Tells what was given, if that was not told yet; events of other streams than this one, or
    /// of several, are told with theirs.
    pub(super) fn tell_given(&mut self, stream: Option<&StreamId>) {
        if !self.told {
            let usual = match self.history.first() {
                Some(first) => stream.or(first.stream.as_ref()).cloned(),
                None => None,
            };
            let several = self.history.iter().any(|happened| happened.stream != usual);
            let mut lines = Vec::with_capacity(self.history.len());
            for (happened, number) in self.history.iter_mut().zip(1..) {
                happened.at.get_or_insert(self.now);
                let mut text = Encoded::spelled(&happened.event).print(WIDTH);
                if let (true, Some(stream)) = (several, &happened.stream) {
                    text = format!("{text}  in {stream}");
                }
                lines.push(Line::plain(text).numbered(number));
            }
            if lines.is_empty() {
                lines.push(Line::plain("nothing"));
            }
            self.story.tell("given", lines);
            self.told = true;
        }
        if !self.time_is_told {
            self.story.tell("at", vec![Line::plain(self.now.to_string())]);
            self.time_is_told = true;
        }
    }

    /// The id of the next command: the one that was set, or one that depends on its number.
    pub(super) fn next_command(&mut self) -> CommandId {
        self.decided += 1;
        let decided = self.decided;
        let command = self.command.take();
        command.unwrap_or_else(|| CommandId::derived(&format!("scenario command {decided}")))
    }

    /// The events of one stream.
    pub(super) fn events_of<'a>(&'a self, stream: &'a StreamId) -> Vec<&'a E> {
        let own = |happened: &&'a Happened<E>| happened.stream.as_ref() == Some(stream);
        let events = self.history.iter().filter(own);
        events.map(|happened| &happened.event).collect()
    }

    /// The state that all events make.
    pub(super) fn state<A: Aggregate + Evolve<Event = E>>(&self) -> Result<A, Mismatch> {
        let events: Vec<&E> = self.events().collect();
        let state = unpanicked("the state panicked on an event", || fold(events.iter().copied()))?;
        if self.checks {
            checks::history::<A>(&events)?;
        }
        Ok(state)
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &E> {
        self.history.iter().map(|happened| &happened.event)
    }

    /// What to say if a command's stream has no events while others have some.
    pub(super) fn help_with_streams(&self, stream: &StreamId) -> Option<String> {
        if !self.events_of(stream).is_empty() {
            return None;
        }
        let other = self.history.iter().find_map(|one| one.stream.as_ref())?;
        Some(format!(
            "the command is for stream `{stream}`, which has no events; the scenario has events \
             of `{other}`: use one id for both"
        ))
    }

    /// The history as a store would give it back.
    pub(super) fn records(&self) -> Result<Vec<RecordedEvent>, EncodeError> {
        let command = CommandId::derived("scenario");
        let metadata = Arc::new(Metadata::of_command(command, self.context.clone()));
        let nameless =
            StreamId::new(NAMELESS).map_err(|error| EncodeError { reason: error.to_string() })?;
        let mut records: Vec<RecordedEvent> = Vec::with_capacity(self.history.len());
        for (index, happened) in self.history.iter().enumerate() {
            let stream = happened.stream.as_ref().unwrap_or(&nameless);
            let earlier = records.iter().filter(|record| record.stream == *stream);
            let version = Version::ZERO.plus(earlier.count() + 1);
            let position = Position::ZERO.plus(index + 1);
            let at = happened.at.unwrap_or(self.now);
            let mut event = NewEvent::encode(&happened.event, &metadata, at)?;
            event.id = EventId::derived(&format!("scenario event {position}"));
            records.push(event.into_recorded(stream.clone(), version, position));
        }
        Ok(records)
    }
}

impl<E> fmt::Debug for Scene<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").finish_non_exhaustive()
    }
}

/// The state that these events make.
pub(super) fn fold<'a, A: Aggregate + Evolve>(events: impl IntoIterator<Item = &'a A::Event>) -> A {
    let mut state = A::default();
    for event in events {
        state.evolve(event);
    }
    state
}

/// 2026-01-01T00:00:00Z.
const START_OF_2026: i64 = 1_767_225_600_000_000;

/// The stream of events that were given without one.
const NAMELESS: &str = "scenario-1";
