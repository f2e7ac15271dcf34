//! The catalog as Markdown.
//!
//! Invariant: every event has a heading of its own, so that others can link to it.

use std::fmt::Write as _;

use super::Entry;
use crate::shape::Body;

/// Prints the catalog.
pub(crate) fn markdown(title: &str, entries: &[Entry<'_>]) -> String {
    let mut text = format!("# Events of {title}\n");
    let mut set = "";
    for entry in entries {
        if entry.event.set.ident != set {
            set = &entry.event.set.ident;
            let _ = write!(text, "\n## {set}\n");
            if !entry.event.set.docs.is_empty() {
                let _ = write!(text, "\n{}\n", entry.event.set.docs);
            }
        }
        event(&mut text, entry);
    }
    text
}

fn event(text: &mut String, entry: &Entry<'_>) {
    let event = &entry.event;
    let _ = write!(text, "\n### {}\n\n", event.name);
    if !event.docs.is_empty() {
        let _ = write!(text, "{}\n\n", event.docs);
    }
    let _ = writeln!(text, "- version {}, declared at {}", event.version, event.place.shown());
    let _ = writeln!(text, "- written by {}", names(&entry.writers));
    let _ = writeln!(text, "- followed by {}", names(&entry.readers));
    match &entry.body {
        Body::Struct(fields) if !fields.is_empty() => {
            let _ = write!(text, "\n| field | type | |\n|---|---|---|\n");
            for field in fields {
                let optional = if field.optional { "optional" } else { "" };
                let shape = field.shape.to_string().replace('|', "\\|");
                let _ = writeln!(text, "| `{}` | `{shape}` | {optional} |", field.name);
            }
        }
        Body::Unit | Body::Struct(_) => {
            let _ = write!(text, "\nIt carries nothing.\n");
        }
        body => {
            let _ = write!(text, "\nIt carries `{body}`.\n");
        }
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "nobody".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
