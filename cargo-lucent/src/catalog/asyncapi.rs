//! The catalog as an AsyncAPI 3 document.
//!
//! Invariant: one channel per set of events, one message per event, one operation per function that
//! writes or follows events of a set; every reference resolves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Entry;
use crate::shape::json_schema;

/// The document.
pub(crate) fn asyncapi(title: &str, version: &str, entries: &[Entry<'_>]) -> Value {
    let mut channels: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut messages = Map::new();
    let mut operations: BTreeMap<String, (&str, &str, Vec<Value>)> = BTreeMap::new();
    for entry in entries {
        let event = &entry.event;
        let set = event.set.ident.as_str();
        let id = format!("{set}.{}", event.name);
        let known = channels.entry(set).or_default();
        known.insert(event.name.clone(), json!({ "$ref": format!("#/components/messages/{id}") }));
        let mut message = json!({
            "name": event.name,
            "contentType": "application/json",
            "payload": json_schema(&entry.body),
            "x-lucent-version": event.version,
        });
        if !event.docs.is_empty() {
            message["summary"] = json!(event.docs);
        }
        messages.insert(id, message);
        let reference = json!({ "$ref": format!("#/channels/{set}/messages/{}", event.name) });
        for (action, names) in [("send", &entry.writers), ("receive", &entry.readers)] {
            for name in names {
                let operation = operations
                    .entry(format!("{name}.{set}"))
                    .or_insert_with(|| (action, set, Vec::new()));
                operation.2.push(reference.clone());
            }
        }
    }
    let channels: Map<String, Value> = channels
        .into_iter()
        .map(|(set, messages)| (set.to_owned(), json!({ "address": set, "messages": messages })))
        .collect();
    let operations: Map<String, Value> = operations
        .into_iter()
        .map(|(name, (action, set, messages))| {
            let channel = json!({ "$ref": format!("#/channels/{set}") });
            (name, json!({ "action": action, "channel": channel, "messages": messages }))
        })
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": title, "version": version },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    })
}
