//! The step of a projector with its types.
//!
//! Invariant: each document stands for itself. One that fails keeps what the events before the
//! failure made of it, and no event is applied to it after that.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;

use crate::{
    event::{DecodeError, Event, RecordedEvent},
    projection::{Keep, Partition, ProjectionPlan, ProjectionStep, Projector, ReadModel},
    store::{Document, DocumentChange, DocumentKey, ParkedEvent, ParkedKey, ParkedKeys},
    stream::StreamId,
};

/// The decoded events of a step, and the documents that they are about.
pub(super) struct TypedPlan<P: Projector> {
    keys: Vec<DocumentKey>,
    events: Vec<PlannedEvent<P::Event>>,
    /// What could not be read, and what has to wait.
    parked: Vec<ParkedEvent>,
}

struct PlannedEvent<E> {
    event: E,
    at: RecordedEvent,
    /// Its documents, as indices of the keys.
    slots: Vec<usize>,
}

/// What has to wait because of this very step.
#[derive(Default)]
struct Held {
    documents: HashSet<DocumentKey>,
    streams: HashSet<StreamId>,
}

impl<P: Projector> TypedPlan<P> {
    /// The plan for the documents of a partition.
    pub(super) fn of(events: &[RecordedEvent], parked: &ParkedKeys, partition: Partition) -> Self {
        let mut plan =
            Self { keys: Vec::new(), events: Vec::with_capacity(events.len()), parked: Vec::new() };
        let mut slots = HashMap::new();
        let mut held = Held::default();
        for at in events.iter().filter(|at| P::Event::knows(&at.event_type)) {
            match read::<P>(at) {
                Ok(None) => {}
                Ok(Some((event, mut keys))) => {
                    keys.retain(|key| partition.owns(key));
                    plan.place(at, event, keys, &mut slots, parked, &mut held);
                }
                Err(reason) => plan.set_aside(at, &reason, partition, &mut held),
            }
        }
        plan
    }

    /// Finds a place for an event: with the documents that it is about, or in their lines.
    fn place(
        &mut self,
        at: &RecordedEvent,
        event: P::Event,
        keys: Vec<DocumentKey>,
        known: &mut HashMap<DocumentKey, usize>,
        parked: &ParkedKeys,
        held: &mut Held,
    ) {
        let behind_its_stream =
            parked.holds_stream(&at.stream) || held.streams.contains(&at.stream);
        let mut slots = Vec::with_capacity(keys.len());
        for key in keys {
            if behind_its_stream || parked.holds_document(&key) || held.documents.contains(&key) {
                held.documents.insert(key.clone());
                self.parked.push(parked_event(ParkedKey::Document(key), at, None));
                continue;
            }
            let slot = *known.entry(key).or_insert_with_key(|key| {
                self.keys.push(key.clone());
                self.keys.len() - 1
            });
            slots.push(slot);
        }
        if !slots.is_empty() {
            self.events.push(PlannedEvent { event, at: at.clone(), slots });
        }
    }

    /// Sets an event aside that cannot be read, under its documents as far as they are known.
    fn set_aside(
        &mut self,
        at: &RecordedEvent,
        reason: &str,
        partition: Partition,
        held: &mut Held,
    ) {
        match P::unread_keys(at) {
            Some(keys) => {
                for key in each_once(keys).into_iter().filter(|key| partition.owns(key)) {
                    held.documents.insert(key.clone());
                    self.parked.push(parked_event(ParkedKey::Document(key), at, Some(reason)));
                }
            }
            None => {
                held.streams.insert(at.stream.clone());
                let key = ParkedKey::Stream(at.stream.clone());
                self.parked.push(parked_event(key, at, Some(reason)));
            }
        }
    }

    /// Applies the events of one document one by one, as far as they succeed.
    fn salvage(
        &self,
        slot: usize,
        stored: Option<Bytes>,
        parked: &mut Vec<ParkedEvent>,
    ) -> Option<DocumentChange> {
        let key = &self.keys[slot];
        let mut state = State::Stored(stored);
        let mut change = None;
        let mut failed = false;
        for PlannedEvent { event, at, .. } in
            self.events.iter().filter(|planned| planned.slots.contains(&slot))
        {
            let outcome = match failed {
                true => Err(None),
                false => {
                    let view = std::mem::replace(&mut state, State::Deleted);
                    let view = take(view).map_err(|reason| format!("document `{key}`: {reason}"));
                    let step = view.and_then(|view| project::<P>(view, event, at));
                    step.and_then(|next| {
                        change = encode::<P>(key, &next)?;
                        state = next;
                        Ok(())
                    })
                    .map_err(Some)
                }
            };
            if let Err(reason) = outcome {
                failed = true;
                let key = ParkedKey::Document(key.clone());
                parked.push(parked_event(key, at, reason.as_deref()));
            }
        }
        change
    }
}

/// A document while events are applied to it.
enum State<V> {
    /// As stored; decoded when the first event is applied.
    Stored(Option<Bytes>),
    Changed(V),
    Deleted,
    /// An event failed on it.
    Failed,
}

impl<P: Projector> ProjectionPlan for TypedPlan<P> {
    fn keys(&self) -> &[DocumentKey] {
        &self.keys
    }

    fn apply(mut self: Box<Self>, mut documents: Vec<Option<Bytes>>) -> ProjectionStep {
        documents.resize_with(self.keys.len(), || None);
        let mut states: Vec<State<P::View>> =
            documents.iter().map(|document| State::Stored(document.clone())).collect();
        for PlannedEvent { event, at, slots } in &self.events {
            for &slot in slots {
                let state = std::mem::replace(&mut states[slot], State::Failed);
                if !matches!(state, State::Failed) {
                    let next = take(state).and_then(|view| project::<P>(view, event, at));
                    states[slot] = next.unwrap_or(State::Failed);
                }
            }
        }
        let mut parked = std::mem::take(&mut self.parked);
        let mut changes = Vec::with_capacity(states.len());
        for (slot, (state, document)) in states.into_iter().zip(documents).enumerate() {
            let change = match &state {
                State::Failed => Err(String::new()),
                state => encode::<P>(&self.keys[slot], state),
            };
            let change = change.unwrap_or_else(|_| self.salvage(slot, document, &mut parked));
            changes.extend(change);
        }
        parked.sort_by_key(|event| event.position);
        ProjectionStep { changes, parked, events: Vec::new() }
    }
}

/// An event and the keys of its documents, each once; `None` if it is retired.
type Read<P> = Option<(<P as Projector>::Event, Vec<DocumentKey>)>;

fn read<P: Projector>(at: &RecordedEvent) -> Result<Read<P>, String> {
    let event = match P::Event::decode(at) {
        Ok(Some(event)) => event,
        Ok(None) => return Ok(None),
        Err(DecodeError { fault, .. }) => return Err(fault.to_string()),
    };
    match catch_unwind(AssertUnwindSafe(|| P::keys(&event, at))) {
        Ok(keys) => Ok(Some((event, each_once(keys)))),
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn each_once(mut keys: Vec<DocumentKey>) -> Vec<DocumentKey> {
    if keys.len() > 1 {
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.clone()));
    }
    keys
}

fn take<V: ReadModel>(state: State<V>) -> Result<V, String> {
    match state {
        State::Changed(view) => Ok(view),
        State::Deleted | State::Stored(None) => Ok(V::default()),
        State::Stored(Some(body)) => serde_json::from_slice(&body).map_err(|error| {
            format!(
                "the stored document of {} does not decode ({error}); raise the projector's version \
                 to rebuild it",
                V::NAME
            )
        }),
        State::Failed => Err("an earlier event failed".to_owned()),
    }
}

fn project<P: Projector>(
    mut view: P::View,
    event: &P::Event,
    at: &RecordedEvent,
) -> Result<State<P::View>, String> {
    match catch_unwind(AssertUnwindSafe(|| P::project(&mut view, event, at))) {
        Ok(Ok(Keep::Put)) => Ok(State::Changed(view)),
        Ok(Ok(Keep::Delete)) => Ok(State::Deleted),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(panicked(&*panic)),
    }
}

/// What is to be written, if anything changed.
fn encode<P: Projector>(
    key: &DocumentKey,
    state: &State<P::View>,
) -> Result<Option<DocumentChange>, String> {
    match state {
        State::Stored(_) | State::Failed => Ok(None),
        State::Deleted => Ok(Some(DocumentChange::Delete(key.clone()))),
        State::Changed(view) => match serde_json::to_vec(view) {
            Ok(body) => {
                Ok(Some(DocumentChange::Put(Document { key: key.clone(), body: body.into() })))
            }
            Err(error) => {
                let name = P::View::NAME;
                Err(format!("document `{key}` of {name} cannot be encoded: {error}"))
            }
        },
    }
}

pub(super) fn parked_event(
    key: ParkedKey,
    at: &RecordedEvent,
    reason: Option<&str>,
) -> ParkedEvent {
    ParkedEvent {
        key,
        position: at.position,
        stream: at.stream.clone(),
        event_type: at.event_type.to_string(),
        reason: reason.map(shortened),
    }
}

/// A reason as it can be stored: databases take no zero bytes, and nobody reads a page of it.
pub(crate) fn shortened(reason: &str) -> String {
    reason.chars().filter(|sign| *sign != '\0').take(LONGEST_REASON).collect()
}

/// The message of a caught panic.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "it panicked".to_owned(), |text| format!("it panicked: {text}"))
}

/// How much of a reason is kept.
const LONGEST_REASON: usize = 2_000;
