//! Decision models: states that are the fold of the events of some types and tags, whatever streams
//! these are in.
//!
//! Invariant: what a model is built from and what the append's condition guards is one query, so
//! nothing that a decision saw can change unnoticed.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    event::{DecodeError, Event, NewEvent, RecordedEvent},
    state::{Evolve, State},
    store::{EventQuery, ExpectedVersion, QueryItem, StreamWrite},
    stream::{InvalidStreamId, StreamId},
    tag::InvalidTag,
};

/// A state that is built from the events with its tags.
///
/// `#[derive(DecisionModel)]` with `#[decision_model(event = …)]` and `#[tag]` fields writes this;
/// the fold itself is [`Evolve`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a decision model",
    label = "not a decision model",
    note = "write `#[derive(DecisionModel)] #[decision_model(event = SomeEvent)]` on the type; an aggregate is read by commands with `#[id]` alone"
)]
pub trait DecisionModel: Evolve + Sized {
    /// The name of the type.
    const NAME: &'static str;

    /// Which events it is built from: any of the types, with all of the tags.
    ///
    /// # Errors
    /// When a field's text does not fit into a tag.
    fn query(&self) -> Result<QueryItem, InvalidTag>;
}

/// A decision model whose tags the command `C` supplies.
///
/// `#[derive(DecisionModel)]` writes this for every command that has the model's `#[tag]` fields.
#[diagnostic::on_unimplemented(
    message = "nothing says how the command `{C}` finds `{Self}`",
    note = "each `#[tag]` field of the model has one of the same name and type in the command"
)]
pub trait ModelFor<C>: DecisionModel {
    /// The model before the first of its events.
    fn start(command: &C) -> Self;
}

/// One decision model of the command `C`, or a tuple of up to eight.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a decision model nor a tuple of up to eight",
    note = "write `#[derive(DecisionModel)] #[decision_model(event = SomeEvent)]` on each type"
)]
pub trait Models<C>: State + Sized {
    /// The names of the models.
    const NAMES: &'static [&'static str];

    /// The models before the first of their events.
    fn start(command: &C) -> Self;

    /// What they are built from, model by model.
    ///
    /// # Errors
    /// When a field's text does not fit into a tag.
    fn query(&self) -> Result<ModelQuery, InvalidTag>;

    /// Applies an event to the models that it concerns.
    ///
    /// # Errors
    /// When the event does not decode; the models are of no use then.
    fn apply(&mut self, query: &ModelQuery, event: &RecordedEvent) -> Result<(), DecodeError>;
}

/// What the models of a command are built from, in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModelQuery(Vec<QueryItem>);

impl ModelQuery {
    /// One item per model.
    #[must_use]
    pub fn items(&self) -> &[QueryItem] {
        &self.0
    }

    /// The events of all models.
    #[must_use]
    pub fn events(&self) -> EventQuery {
        EventQuery::AnyOf(self.0.clone())
    }

    /// The same tags, for more types; for scenarios.
    #[doc(hidden)]
    #[must_use]
    pub fn widened(&self, types: impl IntoIterator<Item = Cow<'static, str>>) -> Self {
        let types: Vec<_> = types.into_iter().collect();
        let widen = |item: &QueryItem| QueryItem {
            types: item.types.iter().chain(&types).cloned().collect(),
            tags: item.tags.clone(),
        };
        Self(self.0.iter().map(widen).collect())
    }

    /// Checks that a later decision on the same models will see this one.
    ///
    /// # Errors
    /// When there are events of types that the models are built from, and none of these has a model's
    /// tags: the decision could be made twice.
    pub fn check(&self, events: &[NewEvent]) -> Result<(), OutsideModels> {
        let is_of_type = |event: &&NewEvent| {
            let names = self.0.iter().flat_map(|item| &item.types);
            names.into_iter().any(|name| *name == event.event_type)
        };
        let mut relevant = events.iter().filter(is_of_type).peekable();
        let Some(first) = relevant.peek().copied() else { return Ok(()) };
        let is_seen = |event: &NewEvent| {
            self.0.iter().any(|item| item.matches(&event.event_type, &event.tags))
        };
        if relevant.any(is_seen) {
            return Ok(());
        }
        let spell = |tags: &[crate::tag::Tag]| match tags {
            [] => "no tags".to_owned(),
            tags => tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(" and "),
        };
        let built = self.0.iter().filter(|item| item.types.contains(&first.event_type));
        let wanted: BTreeSet<String> = built.map(|item| spell(&item.tags)).collect();
        Err(OutsideModels {
            event_type: first.event_type.to_string(),
            found: spell(&first.tags),
            wanted: wanted.into_iter().collect::<Vec<_>>().join(", or "),
        })
    }

    /// Divides decided events into streams: an event goes to the stream `key-value` of its first tag
    /// `key:value`, one without tags to the stream that is named after its type.
    ///
    /// # Errors
    /// When the events of one stream are not next to each other, so that dividing them would change
    /// their order; when a tag does not make a stream's name.
    pub fn divide(events: Vec<NewEvent>) -> Result<Vec<StreamWrite>, DivideError> {
        let mut writes: Vec<StreamWrite> = Vec::new();
        for event in events {
            let stream = stream_of(&event)?;
            if let Some(last) = writes.last_mut()
                && last.stream == stream
            {
                last.events.push(event);
                continue;
            }
            if writes.iter().any(|write| write.stream == stream) {
                return Err(DivideError::Scattered { stream });
            }
            writes.push(StreamWrite {
                stream,
                expected: ExpectedVersion::Any,
                events: vec![event],
            });
        }
        Ok(writes)
    }
}

fn stream_of(event: &NewEvent) -> Result<StreamId, InvalidStreamId> {
    match event.tags.first() {
        Some(tag) => StreamId::new(tag.as_str().replacen(':', "-", 1)),
        None => StreamId::new(&*event.event_type),
    }
}

/// Decided events that none of the command's models will see.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "its event `{event_type}` has {found}, and the models that are built from such events look for \
     {wanted}: no later decision would see it; give the event the tags of the command, spelt the same"
)]
pub struct OutsideModels {
    /// The stored name of the first event that should be seen.
    pub event_type: String,
    /// Its tags.
    pub found: String,
    /// The tags that the models look for.
    pub wanted: String,
}

/// Decided events that cannot be divided into streams.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DivideError {
    /// The events of one stream are not next to each other.
    #[error("its events of stream `{stream}` are not next to each other: decide them in a row")]
    Scattered {
        /// The stream.
        stream: StreamId,
    },
    /// A tag, or the name of a type, does not make a stream's name.
    #[error(transparent)]
    InvalidStream(#[from] InvalidStreamId),
}

/// The query of a model that is built from every type of its events.
#[doc(hidden)]
#[must_use]
pub fn every_type<E: Event>() -> Vec<Cow<'static, str>> {
    E::TYPES.iter().map(|known| Cow::Borrowed(known.name)).collect()
}

impl<C, M: ModelFor<C>> Models<C> for M {
    const NAMES: &'static [&'static str] = &[M::NAME];

    fn start(command: &C) -> Self {
        ModelFor::start(command)
    }

    fn query(&self) -> Result<ModelQuery, InvalidTag> {
        Ok(ModelQuery(vec![DecisionModel::query(self)?]))
    }

    fn apply(&mut self, query: &ModelQuery, event: &RecordedEvent) -> Result<(), DecodeError> {
        fold(self, query.0.first(), event)
    }
}

/// Applies an event to a model if it concerns it.
fn fold<M: DecisionModel>(
    model: &mut M,
    item: Option<&QueryItem>,
    event: &RecordedEvent,
) -> Result<(), DecodeError> {
    if item.is_some_and(|item| item.matches(&event.event_type, &event.tags))
        && let Some(decoded) = M::Event::decode(event)?
    {
        model.evolve(&decoded);
    }
    Ok(())
}

macro_rules! tuples {
    ($($first:ident $($more:ident)*;)*) => {
        $(
            impl<$first: DecisionModel, $($more: DecisionModel),*> State for ($first, $($more,)*) {
                type Event = $first::Event;
            }

            #[expect(non_snake_case, reason = "a model has the name of its type")]
            impl<Command, $first: ModelFor<Command>, $($more: ModelFor<Command>),*> Models<Command>
                for ($first, $($more,)*)
            {
                const NAMES: &'static [&'static str] = &[$first::NAME, $($more::NAME),*];

                fn start(command: &Command) -> Self {
                    ($first::start(command), $($more::start(command),)*)
                }

                fn query(&self) -> Result<ModelQuery, InvalidTag> {
                    let ($first, $($more,)*) = self;
                    Ok(ModelQuery(vec![
                        DecisionModel::query($first)?,
                        $(DecisionModel::query($more)?,)*
                    ]))
                }

                fn apply(
                    &mut self,
                    query: &ModelQuery,
                    event: &RecordedEvent,
                ) -> Result<(), DecodeError> {
                    let ($first, $($more,)*) = self;
                    let mut items = query.0.iter();
                    fold($first, items.next(), event)?;
                    $(fold($more, items.next(), event)?;)*
                    Ok(())
                }
            }
        )*
    };
}

tuples! {
    A;
    A B;
    A B D;
    A B D E;
    A B D E F;
    A B D E F G;
    A B D E F G H;
    A B D E F G H I;
}

/// The key of a tag as a type: sixteen bytes of its text, and the rest of it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct TagKey<const TEXT: u128, Rest = ()>(std::marker::PhantomData<fn(Rest)>);

/// A command with a field that has `#[tag]` of this key.
#[doc(hidden)]
pub trait HasTag<Key> {
    /// The type of the field.
    type Value;

    /// The field.
    fn tag(&self) -> &Self::Value;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        event::{BusinessContext, CommandId, EventId, Metadata},
        payload::Payload,
        tag::Tag,
        time::Timestamp,
    };

    fn event(name: &'static str, tags: &[&str]) -> NewEvent {
        let command = CommandId::derived("test");
        NewEvent {
            id: EventId::derived(name),
            event_type: name.into(),
            schema_version: 1,
            payload: Payload::json(&()).unwrap(),
            tags: tags.iter().map(|tag| Tag::new(*tag).unwrap()).collect(),
            metadata: Arc::new(Metadata::of_command(command, BusinessContext::default())),
            recorded_at: Timestamp::default(),
        }
    }

    #[test]
    fn events_go_to_the_streams_of_their_first_tags_in_the_order_of_the_decision() {
        let events = vec![
            event("A", &["course:c:1", "student:s"]),
            event("B", &["course:c:1"]),
            event("Paused", &[]),
        ];
        let writes = ModelQuery::divide(events).unwrap();
        let streams: Vec<_> =
            writes.iter().map(|write| (write.stream.as_str(), write.events.len())).collect();
        assert_eq!(streams, [("course-c:1", 2), ("Paused", 1)]);
    }

    #[test]
    fn events_that_alternate_between_streams_are_refused_instead_of_put_in_another_order() {
        let events = vec![event("A", &["x:1"]), event("A", &["x:2"]), event("A", &["x:1"])];
        let error = ModelQuery::divide(events).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its events of stream `x-1` are not next to each other: decide them in a row"
        );
    }

    #[test]
    fn a_decision_that_none_of_its_models_would_see_is_refused() {
        let item = QueryItem { types: vec!["A".into()], tags: vec![Tag::new("x:1").unwrap()] };
        let query = ModelQuery(vec![item]);
        let error = query.check(&[event("A", &["x:2"])]).unwrap_err();
        assert_eq!((&*error.found, &*error.wanted), ("`x:2`", "`x:1`"));
        query.check(&[event("A", &["x:2"]), event("A", &["x:1"])]).unwrap();
        query.check(&[event("B", &[])]).unwrap();
        query.check(&[]).unwrap();
    }
}
