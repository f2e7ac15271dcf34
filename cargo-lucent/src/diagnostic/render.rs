//! Findings as text in rustc's shape, and as JSON.
//!
//! Invariant: findings are sorted by place, so that the output is the same in every run.

use std::{collections::BTreeMap, ops::Range, path::Path};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Place, Severity};

/// Prints findings to standard error, worst last.
pub(crate) fn print(root: &Path, diagnostics: &[Diagnostic], colors: bool) {
    let renderer = if colors { Renderer::styled() } else { Renderer::plain() };
    let mut texts = Texts { root, known: BTreeMap::new() };
    for diagnostic in sorted(diagnostics) {
        eprintln!("{}\n", render(&renderer, &mut texts, diagnostic));
    }
}

/// The findings as a list.
pub(crate) fn to_json(diagnostics: &[Diagnostic]) -> Value {
    let place =
        |place: &Place| json!({ "file": place.file, "line": place.line, "column": place.column });
    let all = sorted(diagnostics).into_iter().map(|diagnostic| {
        let others: Vec<Value> = diagnostic
            .others
            .iter()
            .map(|(at, label)| json!({ "place": place(at), "label": label }))
            .collect();
        json!({
            "code": diagnostic.code.name(),
            "severity": diagnostic.severity.name(),
            "message": diagnostic.message,
            "place": diagnostic.place.as_ref().map(place),
            "label": diagnostic.label,
            "others": others,
            "notes": diagnostic.notes,
            "helps": diagnostic.helps,
        })
    });
    Value::Array(all.collect())
}

fn sorted(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted
        .sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.place.clone(), diagnostic.code));
    sorted
}

fn render(renderer: &Renderer, texts: &mut Texts<'_>, diagnostic: &Diagnostic) -> String {
    let places = diagnostic.place.iter().map(|place| (place, diagnostic.label.as_str(), true));
    let others = diagnostic.others.iter().map(|(place, label)| (place, label.as_str(), false));
    let places: Vec<_> = places.chain(others).collect();
    for (place, ..) in &places {
        texts.load(&place.file);
    }
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    for file in files(&places) {
        let Some(text) = texts.known.get(file).and_then(Option::as_deref) else {
            group = group.element(annotate_snippets::Origin::path(file));
            continue;
        };
        let annotations = places.iter().filter(|(place, ..)| place.file == *file).map(
            |(place, label, primary)| {
                let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                kind.span(span(text, place)).label(*label)
            },
        );
        group = group.element(Snippet::source(text).path(file).annotations(annotations));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// The files of some places, each once, in order.
fn files<'a>(places: &[(&'a Place, &str, bool)]) -> Vec<&'a str> {
    let mut files: Vec<&str> = Vec::new();
    for (place, ..) in places {
        if !files.contains(&place.file.as_str()) {
            files.push(&place.file);
        }
    }
    files
}

/// The bytes of a place; an empty range at the end where the file has become shorter.
fn span(text: &str, place: &Place) -> Range<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(place.line.saturating_sub(1)) {
        start += line.len();
    }
    let line = text[start..].lines().next().unwrap_or_default();
    let byte = |characters: usize| {
        line.char_indices().nth(characters).map_or(line.len(), |(offset, _)| offset)
    };
    if place.length == 0 && place.column <= 1 {
        let indent = line.len() - line.trim_start().len();
        return start + indent..start + line.trim_end().len().max(indent);
    }
    let from = place.column.saturating_sub(1);
    start + byte(from)..start + byte(from + place.length.max(1))
}

/// The texts of the files that findings name.
struct Texts<'a> {
    root: &'a Path,
    known: BTreeMap<String, Option<String>>,
}

impl Texts<'_> {
    fn load(&mut self, file: &str) {
        let root = self.root;
        self.known
            .entry(file.to_owned())
            .or_insert_with(|| std::fs::read_to_string(root.join(file)).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_characters_and_survives_a_shorter_file() {
        let text = "ein\nMäuse { x }\n";
        let place = |line, column, length| Place { file: String::new(), line, column, length };
        assert_eq!(&text[span(text, &place(2, 1, 5))], "Mäuse");
        assert_eq!(&text[span(text, &place(2, 9, 1))], "x");
        assert_eq!(&text[span(text, &place(2, 1, 0))], "Mäuse { x }");
        assert_eq!(span(text, &place(9, 4, 3)), text.len()..text.len());
    }
}
