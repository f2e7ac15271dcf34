//! Links of Markdown documents resolve.
//!
//! Invariant: code is never mistaken for a link, and an address on the web is never visited.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::files::TextFile;

/// Lists every link of a Markdown document that leads nowhere.
#[must_use]
pub fn problems(root: &Path, documents: &[TextFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for document in documents.iter().filter(|document| document.is("md")) {
        for (line, target) in targets(&document.text) {
            if let Some(reason) = unresolved(root, document, target) {
                let place = document.path.display();
                problems.push(format!("{place}:{line}: the link to `{target}` {reason}"));
            }
        }
    }
    problems
}

/// Why a link leads nowhere, if it does.
fn unresolved(root: &Path, document: &TextFile, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let folder = document.folder();
    let (file, text) = if path.is_empty() {
        (document.path.clone(), Some(document.text.clone()))
    } else {
        let file = folder.join(path);
        if !root.join(&file).exists() {
            return Some("leads to no file".to_owned());
        }
        let text = fs::read_to_string(root.join(&file)).ok();
        (file, text)
    };
    let is_document = file.extension().is_some_and(|extension| extension == "md");
    let known = |text: &str| headings(text).any(|heading| heading == fragment);
    (is_document && !fragment.is_empty() && !text.as_deref().is_some_and(known))
        .then(|| "leads to no heading of that document".to_owned())
}

/// The files that a document links to, in order; addresses on the web are left out.
pub(super) fn linked_files(document: &TextFile) -> Vec<PathBuf> {
    let folder = document.folder();
    targets(&document.text)
        .filter(|(_, target)| !target.contains("://") && !target.starts_with('#'))
        .map(|(_, target)| folder.join(target.split('#').next().unwrap_or(target)))
        .collect()
}

/// The targets of `[text](target)` and `[name]: target`, with the numbers of their lines.
fn targets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(line, prose)| {
        let inline = prose.match_indices("](").map(|(start, _)| &prose[start + 2..]);
        let definition = prose
            .starts_with('[')
            .then(|| prose.split_once("]: "))
            .flatten()
            .map(|(_, target)| target);
        inline
            .filter(|target| !is_code(prose, target))
            .chain(definition)
            .filter_map(|target| target.split([')', ' ', '"']).next())
            .map(move |target| (line, target))
    })
}

/// Whether the rest of a line starts within `code`.
fn is_code(line: &str, rest: &str) -> bool {
    line[..line.len() - rest.len()].matches('`').count() % 2 == 1
}

/// The identifiers that mdBook and forges give to headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| line.trim_start_matches('#').trim())
        .map(|heading| {
            let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
            let heading = heading.to_lowercase();
            heading.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
}

/// The numbered lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        (!in_fence && !is_fence).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let document =
            TextFile { path: PathBuf::from("src/audit/links.md"), text: text.to_owned() };
        let problems = problems(Path::new(env!("CARGO_MANIFEST_DIR")), &[document]);
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        check(
            "# One\n\n[a](links.rs) [b](missing.md)\n\n[c]: ../gone.md",
            &[
                "src/audit/links.md:3: the link to `missing.md` leads to no file",
                "src/audit/links.md:5: the link to `../gone.md` leads to no file",
            ],
        );
    }

    #[test]
    fn a_heading_is_looked_up() {
        check(
            "## What it's for: `App`\n[a](#what-its-for-app) [b](#other)",
            &["src/audit/links.md:2: the link to `#other` leads to no heading of that document"],
        );
    }

    #[test]
    fn code_and_addresses_are_left_alone() {
        check("`[a](b)` <https://a.b> [c](https://d.e/f#g)\n```text\n[h](i)\n```", &[]);
    }
}
