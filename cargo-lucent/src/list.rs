//! `cargo lucent list`: what there is, as a table.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Place,
    manifest::{full_name, tokens},
    survey::{
        Message, Survey, aggregates, commands, decision_models, events, queries, snapshots, views,
    },
};

/// Prints the table.
pub(crate) fn list(survey: &Survey) -> String {
    let mut tables: Vec<(&str, Vec<[String; 3]>)> = Vec::new();
    let snapshots = snapshots(survey);
    let version_of = |message: &Message<'_>| {
        let snapshot = snapshots.iter().find(|snapshot| snapshot.of.place == message.of.place);
        snapshot.map_or_else(String::new, |snapshot| format!("snapshots v{}", snapshot.version))
    };
    let row = |name: &str, detail: String, place: &Place| [name.to_owned(), detail, place.shown()];
    let handlers = handlers(survey);
    let handler = |message: &Message<'_>, kind: &str| {
        let index = survey.index_of(message.of);
        let found = index.and_then(|index| handlers.get(&(kind, index)));
        found.map_or_else(|| "nobody answers".to_owned(), |name| format!("by {name}"))
    };
    let mut add = |title, messages: Vec<Message<'_>>, detail: &dyn Fn(&Message<'_>) -> String| {
        let rows =
            messages.iter().map(|message| row(&message.name, detail(message), &message.of.place));
        tables.push((title, rows.collect()));
    };
    add("aggregates", aggregates(survey), &version_of);
    add("decision models", decision_models(survey), &|message| message.of.ident.clone());
    add("commands", commands(survey), &|message| handler(message, "command_handler"));
    add("queries", queries(survey), &|message| handler(message, "query_handler"));
    add("read models", views(survey), &|message| message.of.ident.clone());
    let rows = events(survey)
        .iter()
        .map(|event| {
            row(
                &format!("{} v{}", event.name, event.version),
                event.set.ident.clone(),
                &event.place,
            )
        })
        .collect();
    tables.insert(3, ("events", rows));
    for (title, kind) in KINDS {
        let rows = survey
            .functions
            .iter()
            .filter(|function| function.kind == kind)
            .map(|function| {
                let inputs: Vec<String> = function.inputs().map(tokens).collect();
                row(&full_name(function), format!("({})", inputs.join(", ")), &function.place)
            })
            .collect();
        tables.push((title, rows));
    }
    print(&tables)
}

/// The functions by their kind and the types that they take.
fn handlers(survey: &Survey) -> BTreeMap<(&str, usize), &str> {
    let mut handlers = BTreeMap::new();
    for function in &survey.functions {
        for ty in function.inputs() {
            let ty = match ty {
                syn::Type::Reference(reference) => &*reference.elem,
                other => other,
            };
            if let syn::Type::Path(path) = ty
                && let Some(index) =
                    survey.lookup(&path.path, &function.target.crate_name, &function.module)
            {
                handlers.entry((function.kind.as_str(), index)).or_insert(function.name.as_str());
            }
        }
    }
    handlers
}

fn print(tables: &[(&str, Vec<[String; 3]>)]) -> String {
    let mut text = String::new();
    let width = |column: usize| {
        let cells = tables.iter().flat_map(|(_, rows)| rows.iter().map(move |row| &row[column]));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1).min(48));
    for (title, rows) in tables {
        if rows.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{title}\n"));
        for [name, detail, place] in rows {
            text.push_str(&format!("  {name:first$}  {detail:second$}  {place}\n"));
        }
    }
    if text.is_empty() {
        text.push_str("nothing is annotated here\n");
    }
    text
}

const KINDS: [(&str, &str); 5] = [
    ("functions", "function"),
    ("command handlers", "command_handler"),
    ("query handlers", "query_handler"),
    ("projectors", "projector"),
    ("event handlers", "event_handler"),
];
