//! What every scenario checks for free.
//!
//! Invariant: a check fails only for what would go wrong in production too: an event that storage
//! changes, a decision that depends on more than its arguments, a snapshot that is not the state.

use std::error::Error;

use lucent_core::{
    Aggregate, CommandContext, Decision, EncodeError, Event, Evolve, Handled, Payload,
};

use super::{
    Mismatch,
    diff::{self, Sides},
    expectation::spell_refusal,
    scene::fold,
    story::{Line, WIDTH},
    value::{Encoded, Value},
    when::unpanicked,
};

/// Checks that the given events survive storage.
pub(super) fn given<'a, E: Event>(events: impl IntoIterator<Item = &'a E>) -> Result<(), Mismatch> {
    for event in events {
        stored(event).map_err(Mismatch::of_check)?;
    }
    Ok(())
}

/// Checks a decision: that it can be repeated, also on a state that was stored in between, and
/// that its events can be stored and applied.
pub(super) fn decision<A, C>(
    command: &C,
    context: &CommandContext,
    history: &[&A::Event],
    state: &A,
    decision: &Result<Decision<A::Event, C::Reply>, C::Refusal>,
) -> Result<(), Mismatch>
where
    A: Aggregate + Evolve,
    C: Handled<State = A>,
{
    let check = || {
        let mut longer = history.to_vec();
        if let Ok(decision) = decision {
            longer.extend(&decision.events);
        }
        stored_all(&longer)?;
        repeatable(command, context, history, state, &Trace::of(decision)?)?;
        applicable::<A>(&longer)
    };
    check().map_err(Mismatch::of_check)
}

/// Checks that the same is decided again: on the same events, on the same events after they were
/// stored, and on a snapshot of the state.
fn repeatable<A, C>(
    command: &C,
    context: &CommandContext,
    history: &[&A::Event],
    state: &A,
    first: &Trace,
) -> Result<(), Mismatch>
where
    A: Aggregate + Evolve,
    C: Handled<State = A>,
{
    let differs = |state: &A, sides: Sides| {
        let again = unpanicked("the handler panicked when it decided again", || {
            command.decide(state, context)
        })?;
        Ok(first.differences(&Trace::of(&again)?, sides))
    };
    let lines = differs(&fold(history.iter().copied()), diff::REPEATED)?;
    if !lines.is_empty() {
        return Err(Mismatch::new(TWICE).lines(lines).help(PURE));
    }
    let lines = differs(&fold(&stored_all(history)?), AS_STORED)?;
    if !lines.is_empty() {
        let help = "a field that serde skips is lost in the store: check the serde attributes of";
        let events = A::Event::NAME;
        let mismatch = Mismatch::new("stored events decide differently").lines(lines);
        return Err(mismatch.help(format!("{help} {events}")));
    }
    if A::SNAPSHOT.is_some() {
        let lines = differs(&restore(&save(state)?)?, FROM_SNAPSHOT)?;
        if !lines.is_empty() {
            let help =
                "a field that serde skips is lost in a snapshot: check the serde attributes of";
            let name = A::NAME;
            let mismatch = Mismatch::new("a snapshot decides differently").lines(lines);
            return Err(mismatch.help(format!("{help} {name}")));
        }
    }
    Ok(())
}

/// Checks that given events can be stored and applied.
pub(super) fn history<A: Aggregate + Evolve>(events: &[&A::Event]) -> Result<(), Mismatch> {
    applicable::<A>(events).map_err(Mismatch::of_check)
}

/// Checks that events can be applied, before and after they were stored, and from any snapshot on.
fn applicable<A: Aggregate + Evolve>(events: &[&A::Event]) -> Result<(), Mismatch> {
    let stored = stored_all(events)?;
    let state: A = unpanicked("the state panicked on an event", || fold(events.iter().copied()))?;
    if A::SNAPSHOT.is_none() {
        return Ok(());
    }
    let full = save(&state)?;
    let replayed = save(&fold::<A>(&stored))?;
    if full != replayed {
        let lines = state_lines::<A>(&full, &replayed, AS_STORED);
        let help = format!("check the serde attributes of {}", A::Event::NAME);
        return Err(Mismatch::new("stored events make another state").lines(lines).help(help));
    }
    snapshots::<A>(events, &full)
}

/// Encodes events, decodes them and gives the decoded ones back.
fn stored_all<E: Event>(events: &[&E]) -> Result<Vec<E>, Mismatch> {
    events.iter().map(|&event| stored(event)).collect()
}

/// Encodes an event, decodes it and encodes it again; gives back the decoded one.
pub(super) fn stored<E: Event>(event: &E) -> Result<E, Mismatch> {
    let event_type = event.event_type();
    let failed = |reason: String| {
        Mismatch::new("an event does not survive storage")
            .line(Line::plain(format!("{}: {reason}", event_type.name)))
            .help(format!("check the serde attributes of {}", E::NAME))
    };
    let first = Encoded::of(event).map_err(|error| failed(error.to_string()))?;
    event.tags().map_err(|error| failed(error.to_string()))?;
    let decoded = E::decode_payload(event_type.name, event_type.version, &first.payload)
        .map_err(|fault| failed(fault.to_string()).line(Line::plain(first.print(WIDTH))))?;
    let again = Encoded::of(&decoded).map_err(|error| failed(error.to_string()))?;
    if first.payload == again.payload && first.name == again.name {
        return Ok(decoded);
    }
    let mut lines = diff::events(&[first], &[again], diff::REPEATED);
    if lines.is_empty() {
        let reason = "the same fields come back in another order";
        return Err(failed(reason.to_owned())
            .help(format!("use ordered maps and sets in {}, such as `BTreeMap`", E::NAME)));
    }
    lines.insert(0, Line::plain("encoded, decoded and encoded again:"));
    let help = format!("check the serde attributes of {}", E::NAME);
    Err(Mismatch::new("an event does not survive storage").lines(lines).help(help))
}

/// Checks that a snapshot at any point, followed by the rest of the events, is the full replay.
fn snapshots<A: Aggregate + Evolve>(events: &[&A::Event], full: &Payload) -> Result<(), Mismatch> {
    let mut prefix = A::default();
    let stride = events.len() / MOST_SNAPSHOTS + 1;
    for taken in 0..=events.len() {
        if taken > 0 {
            prefix.evolve(events[taken - 1]);
        }
        if taken % stride != 0 && taken != events.len() {
            continue;
        }
        let mut state: A = restore(&save(&prefix)?)?;
        for event in &events[taken..] {
            state.evolve(event);
        }
        let replayed = save(&state)?;
        if replayed != *full {
            let place = Line::plain(format!("a snapshot at version {taken}, and the rest"));
            return Err(Mismatch::new("a snapshot is not the state")
                .line(place)
                .lines(state_lines::<A>(full, &replayed, FROM_SNAPSHOT))
                .help(format!("check the serde attributes of {}", A::NAME)));
        }
    }
    Ok(())
}

/// The lines of two encoded states that are not equal byte for byte.
fn state_lines<A: Aggregate>(left: &Payload, right: &Payload, sides: Sides) -> Vec<Line> {
    let lines = diff::fields(&Value::of_payload(left), &Value::of_payload(right), sides);
    if lines.is_empty() {
        let name = A::NAME;
        let text = format!("the fields of {name} change their order: use ordered maps and sets");
        return vec![Line::plain(text)];
    }
    lines
}

fn save<A: Aggregate>(state: &A) -> Result<Payload, Mismatch> {
    let snapshot = state.encode_snapshot();
    snapshot.map_err(|error: EncodeError| no_snapshot::<A>(&error.to_string()))
}

fn restore<A: Aggregate>(snapshot: &Payload) -> Result<A, Mismatch> {
    A::decode_snapshot(snapshot).map_err(|reason| {
        let value = Value::of_payload(snapshot).print(WIDTH);
        no_snapshot::<A>(&reason).line(Line::plain(value))
    })
}

fn no_snapshot<A: Aggregate>(reason: &str) -> Mismatch {
    Mismatch::new("a snapshot is not the state")
        .line(Line::plain(format!("{}: {reason}", A::NAME)))
        .help(format!("check the serde attributes of {}", A::NAME))
}

/// What came of a decision, ready to be compared.
pub(super) struct Trace {
    events: Vec<Encoded>,
    /// The reply or the refusal.
    answer: Value,
}

impl Trace {
    pub(super) fn of<E: Event, R: lucent_core::Reply, X: Error>(
        decision: &Result<Decision<E, R>, X>,
    ) -> Result<Self, Mismatch> {
        match decision {
            Ok(decision) => Ok(Self {
                events: Encoded::all(&decision.events),
                answer: Value::of(&decision.reply).map_err(|error| {
                    let mismatch = Mismatch::new("the reply cannot be stored");
                    let mismatch = mismatch.line(Line::plain(error.to_string()));
                    mismatch.help("check the serde attributes of the reply's type")
                })?,
            }),
            Err(refusal) => {
                Ok(Self { events: Vec::new(), answer: Value::Literal(spell_refusal(refusal)) })
            }
        }
    }

    /// The lines in which another one differs; none if it does not.
    pub(super) fn differences(&self, again: &Self, sides: Sides) -> Vec<Line> {
        let mut lines = diff::events(&self.events, &again.events, sides);
        lines.extend(diff::fields(&self.answer, &again.answer, sides));
        lines
    }
}

pub(super) const TWICE: &str = "the same decision, made twice, differs";

pub(super) const PURE: &str = "a decision depends on the state, the command and the context only: \
    take the time from `context.now()` and new ids from `context.id(n)`, and keep the state in \
    ordered collections";

const AS_STORED: Sides = Sides { minus: "as given", plus: "as stored" };

const FROM_SNAPSHOT: Sides = Sides { minus: "full replay", plus: "from snapshot" };

/// At how many points of a scenario a snapshot is tried, about.
const MOST_SNAPSHOTS: usize = 50;
