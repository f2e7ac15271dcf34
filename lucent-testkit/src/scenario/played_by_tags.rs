//! Playing commands that are decided on decision models.
//!
//! Invariant: models are built from records, as a store gives them back, by the query that the
//! application reads with.

use std::sync::Arc;

use lucent_core::{
    ByTags, CommandContext, CommandId, Decision, Event, EventOf, Handled, Metadata, ModelQuery,
    Models, NewEvent, RecordedEvent, StreamId, Version,
    store::{EventQuery, QueryItem},
};

use super::{
    Mismatch, Outcome, Played,
    checks::{self, PURE, TWICE, Trace},
    diff::{self, Sides},
    played::Decided,
    scene::Scene,
    story::Line,
    when::unpanicked,
};

impl<C, M> Played<C, ByTags> for M
where
    C: Handled<State = M>,
    M: Models<C>,
{
    fn set_up(scene: &mut Scene<EventOf<C>>, _: &C) -> Result<(), Mismatch> {
        let metadata = no_metadata();
        let now = scene.now();
        scene.place_by(|event| {
            let new = NewEvent::encode(event, &metadata, now);
            stream_of(new.map_err(|error| Mismatch::new(error.to_string()))?)
        })?;
        scene.tell_given(None);
        Ok(())
    }

    fn decide(scene: &mut Scene<EventOf<C>>, command: &C) -> Result<Decided<C>, Mismatch> {
        let id = scene.next_command();
        if scene.checks {
            checks::given(scene.events())?;
        }
        let records = records(scene)?;
        let (models, query) = build::<C, M>(command, &records)?;
        let events = query.events();
        let seen = records.iter().filter(|record| matches(&events, record)).count();
        let metadata = Metadata::of_command(id, scene.context.clone());
        let context = CommandContext::new(id, scene.now(), Version::ZERO.plus(seen), metadata);
        let decision = unpanicked("the handler panicked", || command.decide(&models, &context))?;
        if let Ok(decision) = &decision {
            storable(&decision.events, &query, &context)?;
        }
        if scene.checks {
            check::<C, M>(command, &context, &records, &query, &decision)
                .map_err(Mismatch::of_check)?;
        }
        Ok(match decision {
            Err(refusal) => (Outcome::Refused(refusal), None),
            Ok(decision) => (Outcome::Decided(decision.events), Some(decision.reply)),
        })
    }

    fn keep(scene: &mut Scene<EventOf<C>>, _: &C, events: Vec<EventOf<C>>) {
        let (metadata, now) = (no_metadata(), scene.now());
        for event in events {
            // What cannot be encoded did not get here.
            let stream = NewEvent::encode(&event, &metadata, now).ok().map(stream_of);
            if let Some(Ok(stream)) = stream {
                scene.happened(&stream, vec![event]);
            }
        }
    }

    fn state(scene: &Scene<EventOf<C>>, command: &C) -> Result<Self, Mismatch> {
        Ok(build::<C, M>(command, &records(scene)?)?.0)
    }

    fn help(scene: &Scene<EventOf<C>>, command: &C) -> Option<String> {
        let query = M::start(command).query().ok()?;
        let records = scene.records().ok()?;
        let events = query.events();
        if records.iter().any(|record| matches(&events, record)) {
            return None;
        }
        let items = query.items().iter().zip(M::NAMES);
        let of_type = |item: &QueryItem| {
            records.iter().find(|record| item.types.contains(&record.event_type))
        };
        let (item, name, other) =
            items.into_iter().find_map(|(item, name)| Some((item, name, of_type(item)?)))?;
        Some(format!(
            "no event of the scenario has what `{name}` looks for, {}; there is `{}` with {}",
            spell(&item.tags),
            other.event_type,
            spell(&other.tags),
        ))
    }
}

/// The models that these events make, and what they are built from.
fn build<C, M: Models<C>>(
    command: &C,
    records: &[RecordedEvent],
) -> Result<(M, ModelQuery), Mismatch> {
    let mut models = M::start(command);
    let query = models.query().map_err(|error| Mismatch::new(error.to_string()))?;
    for record in records {
        let applied =
            unpanicked("a decision model panicked on an event", || models.apply(&query, record))?;
        applied.map_err(|error| Mismatch::new(error.to_string()))?;
    }
    Ok((models, query))
}

/// Checks that the application would append these events.
fn storable<E: Event>(
    events: &[E],
    query: &ModelQuery,
    context: &CommandContext,
) -> Result<(), Mismatch> {
    let metadata = Arc::new(context.metadata().clone());
    let new = events.iter().map(|event| NewEvent::encode(event, &metadata, context.now()));
    let new = new.collect::<Result<Vec<_>, _>>();
    let new = new.map_err(|error| Mismatch::new(error.to_string()))?;
    let refused = |headline: &str, reason: String| {
        Mismatch::new(headline)
            .line(Line::plain(reason))
            .help("the application answers such a command with `CommandError::Invalid`")
    };
    query
        .check(&new)
        .map_err(|error| refused("no later decision would see the events", error.to_string()))?;
    ModelQuery::divide(new)
        .map_err(|error| refused("the events cannot be appended", error.to_string()))?;
    Ok(())
}

/// Checks that the same is decided again, and that no event that the models leave out by its type
/// matters.
fn check<C, M>(
    command: &C,
    context: &CommandContext,
    records: &[RecordedEvent],
    query: &ModelQuery,
    decision: &Result<Decision<EventOf<C>, C::Reply>, C::Refusal>,
) -> Result<(), Mismatch>
where
    C: Handled<State = M>,
    M: Models<C>,
{
    if let Ok(decision) = decision {
        for event in &decision.events {
            checks::stored(event)?;
        }
    }
    let first = Trace::of(decision)?;
    let (models, _) = build::<C, M>(command, records)?;
    let again = unpanicked("the handler panicked when it decided again", || {
        command.decide(&models, context)
    })?;
    let lines = first.differences(&Trace::of(&again)?, diff::REPEATED);
    if !lines.is_empty() {
        return Err(Mismatch::new(TWICE).lines(lines).help(PURE));
    }
    left_out::<C, M>(command, context, records, query, &first)
}

/// Decides as if the models were built from every type of their tags.
fn left_out<C, M>(
    command: &C,
    context: &CommandContext,
    records: &[RecordedEvent],
    query: &ModelQuery,
    first: &Trace,
) -> Result<(), Mismatch>
where
    C: Handled<State = M>,
    M: Models<C>,
{
    let types = records.iter().map(|record| record.event_type.clone());
    let wider = query.widened(types);
    let mut models = M::start(command);
    for record in records {
        // What is left out need not even be of the models' events.
        let applied = unpanicked("", || models.apply(&wider, record));
        if !matches!(applied, Ok(Ok(()))) {
            return Ok(());
        }
    }
    let Ok(other) = unpanicked("", || command.decide(&models, context)) else { return Ok(()) };
    let lines = first.differences(&Trace::of(&other)?, LEFT_OUT);
    if lines.is_empty() {
        return Ok(());
    }
    let events = query.events();
    let names = records
        .iter()
        .filter(|record| !matches(&events, record) && matches(&wider.events(), record));
    let names: Vec<_> = names.map(|record| format!("`{}`", record.event_type)).collect();
    Err(Mismatch::new("an event that the models leave out matters to the decision")
        .lines(lines)
        .help(format!(
            "{} has the tags of a model that handles it and does not list it: add it to `types(…)`",
            names.first().map_or("an event", String::as_str)
        )))
}

fn records<E: Event>(scene: &Scene<E>) -> Result<Vec<RecordedEvent>, Mismatch> {
    scene.records().map_err(|error| Mismatch::new(error.to_string()))
}

fn matches(query: &EventQuery, record: &RecordedEvent) -> bool {
    query.matches(&record.event_type, &record.tags)
}

fn stream_of(event: NewEvent) -> Result<StreamId, Mismatch> {
    let writes = ModelQuery::divide(vec![event]);
    let mut writes = writes.map_err(|error| Mismatch::new(error.to_string()))?;
    writes.pop().map(|write| write.stream).ok_or_else(|| Mismatch::new("there is no stream"))
}

fn no_metadata() -> Arc<Metadata> {
    let command = CommandId::derived("scenario");
    Arc::new(Metadata::of_command(command, lucent_core::BusinessContext::default()))
}

fn spell(tags: &[lucent_core::Tag]) -> String {
    match tags {
        [] => "no tags".to_owned(),
        tags => tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(" and "),
    }
}

const LEFT_OUT: Sides = Sides { minus: "as it is", plus: "with the event" };
