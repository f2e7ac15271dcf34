//! A projection for the suite: it counts the events of each stream.
//!
//! Invariant: it is written against the contract alone, without the macros.

use std::sync::Arc;

use bytes::Bytes;
use lucent_core::{Consistency, ProjectionPlan, ProjectionStep};

use crate::conformance::vocabulary::{
    Document, DocumentChange, DocumentKey, EventFilter, EventQuery, Handle, ParkedEvent,
    ParkedKeys, Projection, ProjectionId, RecordedEvent,
};

/// Counts `Counted` events by stream; `Cleared` removes a stream's document, `Poison` is an error.
struct Tally(ProjectionId);

/// A tally of this name.
pub(super) fn tally(name: &str) -> Arc<dyn Projection> {
    Arc::new(Tally(tally_id(name)))
}

/// The id of the tally of this name.
pub(super) fn tally_id(name: &str) -> ProjectionId {
    ProjectionId::new(name, 1)
}

/// What a tally has counted in a stream, and the position of the last event that it saw there.
pub(super) async fn counted_in(store: &Handle, name: &str, stream: &str) -> Option<(u64, u64)> {
    let keys = [DocumentKey::from(stream)];
    let documents = store.documents(&tally_id(name), &keys).await;
    let documents = documents.expect("documents are readable");
    documents.into_iter().next().flatten().map(|body| parse(&body))
}

impl Projection for Tally {
    fn id(&self) -> ProjectionId {
        self.0.clone()
    }

    fn consistency(&self) -> Consistency {
        Consistency::Inline
    }

    fn filter(&self) -> EventFilter {
        EventQuery::types(["Counted", "Cleared", "Poison"]).into()
    }

    fn plan(&self, events: &[RecordedEvent], _: &ParkedKeys) -> Box<dyn ProjectionPlan> {
        let query = self.filter().query;
        let mut plan = TallyPlan { keys: Vec::new(), events: Vec::new() };
        for event in events.iter().filter(|event| query.matches(&event.event_type, &[])) {
            let key = DocumentKey::from(event.stream.as_str());
            if !plan.keys.contains(&key) {
                plan.keys.push(key);
            }
            plan.events.push(event.clone());
        }
        Box::new(plan)
    }
}

struct TallyPlan {
    keys: Vec<DocumentKey>,
    events: Vec<RecordedEvent>,
}

impl ProjectionPlan for TallyPlan {
    fn keys(&self) -> &[DocumentKey] {
        &self.keys
    }

    fn apply(self: Box<Self>, documents: Vec<Option<Bytes>>) -> ProjectionStep {
        let mut counts: Vec<Option<(u64, u64)>> =
            documents.iter().map(|body| body.as_ref().map(|body| parse(body))).collect();
        for event in &self.events {
            let slot = self.keys.iter().position(|key| key.as_str() == event.stream.as_str());
            let count = &mut counts[slot.expect("each event's stream is a key")];
            *count = match &*event.event_type {
                "Counted" => Some((count.unwrap_or_default().0 + 1, event.position.get())),
                "Cleared" => None,
                _ => return failed(event),
            };
        }
        let changes = self.keys.into_iter().zip(counts).map(|(key, count)| match count {
            Some((count, position)) => {
                let body = format!("[{count},{position}]").into();
                DocumentChange::Put(Document { key, body })
            }
            None => DocumentChange::Delete(key),
        });
        ProjectionStep { changes: changes.collect(), ..ProjectionStep::default() }
    }
}

fn failed(event: &RecordedEvent) -> ProjectionStep {
    let parked = ParkedEvent {
        key: DocumentKey::from(event.stream.as_str()).into(),
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.to_string(),
        reason: Some("it is poison".to_owned()),
    };
    ProjectionStep { parked: vec![parked], ..ProjectionStep::default() }
}

fn parse(body: &[u8]) -> (u64, u64) {
    let text = str::from_utf8(body).expect("a tally's document is text");
    let numbers = text.trim_matches(['[', ']']).split_once(',');
    let (count, position) = numbers.expect("a tally's document holds two numbers");
    let number = |text: &str| text.trim().parse().expect("a tally's document holds numbers");
    (number(count), number(position))
}
