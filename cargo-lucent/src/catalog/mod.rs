//! The event catalog: what is stored, who writes it and who follows it.
//!
//! Invariant: all forms say the same, and the same sources give the same bytes.

mod asyncapi;
mod markdown;
mod yaml;

pub(crate) use asyncapi::asyncapi;
pub(crate) use markdown::markdown;
pub(crate) use yaml::yaml;

use crate::{
    flow::{self, Flow, NodeKind},
    shape::{Body, Reader},
    survey::{Event, Survey, events},
};

/// One event of the catalog.
pub(crate) struct Entry<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) body: Body,
    /// The functions that write it.
    pub(crate) writers: Vec<String>,
    /// The functions that follow it.
    pub(crate) readers: Vec<String>,
}

/// The events, set by set.
pub(crate) fn entries(survey: &Survey) -> Vec<Entry<'_>> {
    let mut reader = Reader::new(survey);
    let flow = flow::flow(survey);
    let mut entries: Vec<Entry<'_>> = events(survey)
        .into_iter()
        .map(|event| Entry {
            body: reader.fields_of(event.set, event.fields, event.attributes),
            writers: neighbors(&flow, &event.name, true),
            readers: neighbors(&flow, &event.name, false),
            event,
        })
        .collect();
    entries.sort_by(|a, b| {
        (&a.event.set.ident, &a.event.place).cmp(&(&b.event.set.ident, &b.event.place))
    });
    entries
}

fn neighbors(flow: &Flow, event: &str, before: bool) -> Vec<String> {
    let is_event =
        |index: usize| flow.nodes[index].kind == NodeKind::Event && flow.nodes[index].name == event;
    let names = flow.edges.iter().filter_map(|(from, to)| match before {
        true => is_event(*to).then(|| flow.nodes[*from].name.clone()),
        false => is_event(*from).then(|| flow.nodes[*to].name.clone()),
    });
    names.collect()
}
