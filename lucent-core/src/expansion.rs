//! What the macros' expansions call.
//!
//! Invariant: generic work is written and compiled here once, so expansions stay short, and they
//! name everything through here, so that no name of the user's code can get in their way.

pub use std::{
    self, boxed::Box, clone::Clone, convert::From, default::Default, option::Option,
    result::Result, result::Result::Err, result::Result::Ok, string::String, vec::Vec,
};

use std::time::Duration;

use serde::de::DeserializeOwned;

pub use crate::function::{Probe, StaysHere, Travels};

use crate::{
    command::{DecidedOn, EventOf, Handled},
    decision_model::ModelFor,
    event::{DecodeFault, Event, RecordedEvent, Upcast, decode_struct},
    event_handler::{Reaction, SharedEventHandler, TypedEventHandler},
    function::{Declaration, Edition, Priority, Roster, Terms},
    id::{AggregateId, InvalidId},
    payload::Payload,
    projection::{IntoKeys, Keep, ProjectionOutcome, Projector, ReadModel, shared},
    query::Answered,
    registry::{EventSet, Function, FunctionKind},
    resource::{MissingResource, Shell},
    state::Evolve,
    store::DocumentKey,
    tag::{InvalidTag, Tag, TagValue},
};

/// Parses an aggregate's identifier.
pub fn parse_id<I: AggregateId>(id_type: &'static str, text: &str) -> Result<I, InvalidId> {
    match text.parse::<I::Value>() {
        Ok(value) => Ok(I::from_value(value)),
        Err(error) => Err(InvalidId { id_type, text: text.to_owned(), reason: error.to_string() }),
    }
}

/// Decodes an older shape and turns it into today's event.
pub fn upcast<Old: DeserializeOwned, New: Upcast<Old>>(
    version: u32,
    payload: &Payload,
) -> Result<New, DecodeFault> {
    decode_struct::<Old>(version, payload).map(New::upcast)
}

/// A version that is not among 1 to `known`.
pub fn unknown_version<T>(found: u32, known: u32) -> Result<T, DecodeFault> {
    Err(if found > known {
        DecodeFault::NewerVersion { found, known }
    } else {
        DecodeFault::Damaged { version: found, reason: "versions count from 1".to_owned() }
    })
}

/// Adds the tags of a field.
pub fn add_tags<Kind, T: TagValue<Kind>>(
    tags: &mut Vec<Tag>,
    key: &str,
    value: &T,
) -> Result<(), InvalidTag> {
    value.add_tags(key, tags)
}

/// The keys that a projector's key function gave.
pub fn keys_of(keys: impl IntoKeys) -> Vec<DocumentKey> {
    let mut list = Vec::new();
    keys.into_keys(&mut list);
    list
}

/// The key of a projector without a key function: that of the event's stream.
#[must_use]
pub fn stream_key(at: &RecordedEvent) -> Vec<DocumentKey> {
    vec![DocumentKey::from(at.stream.key())]
}

/// What a projector function returned, with its error in a box.
pub fn kept<O>(outcome: O) -> Result<Keep, Box<dyn std::error::Error + Send + Sync>>
where
    O: ProjectionOutcome<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    outcome.into_keep().map_err(Into::into)
}

/// Shares an event handler.
#[must_use]
pub fn shared_handler<R: Reaction>() -> SharedEventHandler {
    std::sync::Arc::new(TypedEventHandler::<R>::new())
}

/// The projections among what parameters read from.
#[must_use]
pub fn reads_of<const N: usize>(reads: [Option<&'static str>; N]) -> Vec<&'static str> {
    reads.into_iter().flatten().collect()
}

pub use crate::function::{Fallible, Plain};

/// Asks that a state says how events change it.
pub const fn folds<A: Evolve>() {}

/// Asks that a command finds a decision model.
pub const fn finds<C, M: ModelFor<C>>() {}

/// Whether there is an event of this stored name.
#[must_use]
pub const fn has_type<E: Event>(name: &str) -> bool {
    let mut index = 0;
    while index < E::TYPES.len() {
        if equal(E::TYPES[index].name.as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

/// Whether the event of this stored name can have a tag of this key, or is not known, or does not
/// say which tags it can have.
#[must_use]
pub const fn type_has<E: Event>(name: &str, key: &str) -> bool {
    let mut index = 0;
    while index < E::TYPES.len() {
        if equal(E::TYPES[index].name.as_bytes(), name.as_bytes()) {
            return index >= E::TAG_KEYS.len() || contains(E::TAG_KEYS[index], key);
        }
        index += 1;
    }
    true
}

/// Whether any event can have a tag of this key, or they do not say which tags they can have.
#[must_use]
pub const fn some_type_has<E: Event>(key: &str) -> bool {
    let mut index = 0;
    while index < E::TAG_KEYS.len() {
        if contains(E::TAG_KEYS[index], key) {
            return true;
        }
        index += 1;
    }
    E::TAG_KEYS.is_empty()
}

const fn contains(keys: &[&str], key: &str) -> bool {
    let mut index = 0;
    while index < keys.len() {
        if equal(keys[index].as_bytes(), key.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

/// Describes a command handler.
#[must_use]
pub const fn command_function<C: Handled>(
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
) -> Function {
    let kind = FunctionKind::CommandHandler {
        command: C::NAME,
        states: <C::State as DecidedOn<C, C::Boundary>>::NAMES,
        events: EventSet::of::<EventOf<C>>(),
    };
    Function { name, module, file, line, kind }
}

/// Describes a query handler.
#[must_use]
pub const fn query_function<Q: Answered>(
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    check: fn(&Shell) -> Result<(), MissingResource>,
) -> Function {
    let kind = FunctionKind::QueryHandler { query: Q::NAME, check, reads: Q::reads };
    Function { name, module, file, line, kind }
}

/// Describes a projector.
#[must_use]
pub const fn projector_function<P: Projector>(
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
) -> Function {
    let kind = FunctionKind::Projector {
        view: <P::View as ReadModel>::NAME,
        events: EventSet::of::<P::Event>(),
        make: shared::<P>,
    };
    Function { name, module, file, line, kind }
}

/// Describes an event handler.
#[must_use]
pub const fn event_handler_function<R: Reaction>(
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
) -> Function {
    let kind = FunctionKind::EventHandler {
        events: EventSet::of::<R::Event>(),
        make: shared_handler::<R>,
    };
    Function { name, module, file, line, kind }
}

/// Describes an edition of a function.
#[must_use]
pub const fn edition_function<E: Edition>(
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
) -> Function {
    let kind = FunctionKind::Function { enlist: Roster::add::<E> };
    Function { name, module, file, line, kind }
}

/// The terms of an edition; times are in nanoseconds.
#[must_use]
pub const fn terms(
    deadline: Option<u64>,
    cpu: Option<u64>,
    memory: Option<u64>,
    fallback: Option<u32>,
) -> Terms {
    Terms { deadline: nanos(deadline), cpu: nanos(cpu), memory, fallback }
}

const fn nanos(nanos: Option<u64>) -> Option<Duration> {
    match nanos {
        Some(nanos) => Some(Duration::from_nanos(nanos)),
        None => None,
    }
}

/// What is said once of a function.
#[must_use]
pub const fn declaration(
    priority: Priority,
    denied_jurisdictions: &'static [&'static str],
    tags: &'static [&'static str],
    sharded: bool,
) -> Declaration {
    Declaration { priority, denied_jurisdictions, tags, sharded }
}

/// The key of a call.
pub fn shard_key<K: std::fmt::Display + ?Sized>(key: &K) -> String {
    key.to_string()
}

/// Whether an edition has another id than the function that it is an edition of.
#[must_use]
pub const fn is_another_edition<E: Edition>() -> bool {
    E::VERSION != <E::Of as Edition>::VERSION
        || match (E::VARIANT, <E::Of as Edition>::VARIANT) {
            (Some(a), Some(b)) => !equal(a.as_bytes(), b.as_bytes()),
            (None, None) => false,
            _ => true,
        }
}

/// Whether no function before this one has its name.
#[must_use]
pub const fn name_is_new(functions: &[Function], index: usize) -> bool {
    let mut earlier = 0;
    while earlier < index {
        if equal(functions[earlier].name.as_bytes(), functions[index].name.as_bytes()) {
            return false;
        }
        earlier += 1;
    }
    true
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Stands for a function whose attribute reported a mistake.
pub const BROKEN: Function = Function {
    name: "",
    module: "",
    file: "",
    line: 0,
    kind: FunctionKind::CommandHandler {
        command: "",
        states: &[],
        events: EventSet { name: "", id: std::any::TypeId::of::<()>, types: &[] },
    },
};
