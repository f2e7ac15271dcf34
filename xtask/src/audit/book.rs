//! The book shows only code that is compiled.
//!
//! Invariant: a block of Rust on a page consists of includes; each include names a file that a
//! member of the workspace compiles, and an anchor in it, so that no snippet can go stale.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use super::{files::TextFile, links::linked_files, modules::is_compiled};
use crate::Workspace;

/// Lists what is wrong with the pages of the book, whose sources are in `source`.
#[must_use]
pub fn problems(workspace: &Workspace, source: &Path, files: &[TextFile]) -> Vec<String> {
    let in_book = |file: &&TextFile| file.is("md") && file.path.starts_with(source);
    let pages: Vec<&TextFile> = files.iter().filter(in_book).collect();
    let mut problems = unlisted(source, &pages);
    for page in pages {
        problems.extend(inline_code(page));
        for (line, include) in includes(&page.text) {
            if let Err(reason) = resolve(workspace, page, include) {
                let place = page.path.display();
                problems.push(format!("{place}:{line}: the include of `{include}` {reason}"));
            }
        }
    }
    problems
}

/// Pages that the summary does not list; mdBook would leave them out without a word.
fn unlisted(source: &Path, pages: &[&TextFile]) -> Vec<String> {
    let summary = source.join("SUMMARY.md");
    let Some(listing) = pages.iter().find(|page| page.path == summary) else {
        return vec![format!("{} is missing", summary.display())];
    };
    let listed: BTreeSet<PathBuf> = linked_files(listing).into_iter().collect();
    let others = pages.iter().filter(|page| page.path != summary);
    others
        .filter(|page| !listed.contains(&page.path))
        .map(|page| format!("{}: add this page to SUMMARY.md", page.path.display()))
        .collect()
}

/// Blocks of Rust that are written on the page, and blocks that hide their language.
fn inline_code(page: &TextFile) -> Vec<String> {
    let mut problems = Vec::new();
    let mut language: Option<&str> = None;
    for (index, line) in page.text.lines().enumerate() {
        let place = format!("{}:{}", page.path.display(), index + 1);
        match (line.trim_start().strip_prefix("```"), language) {
            (Some(info), None) => {
                let name = info.split([',', ' ', '{']).next().unwrap_or_default();
                if name.is_empty() {
                    problems.push(format!("{place}: name the language of this block"));
                }
                language = Some(name);
            }
            (Some(_), Some(_)) => language = None,
            (None, Some("rust" | "rs")) if include_of(line).is_none() => problems.push(format!(
                "{place}: include this code from a crate that compiles it, such as book/snippets"
            )),
            (None, _) => {}
        }
    }
    problems
}

/// What a page includes, with the numbers of the lines.
fn includes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| Some((index + 1, include_of(line)?)))
}

/// `{{#include path:anchor}}`, alone on its line.
fn include_of(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix("{{#")?.strip_suffix("}}")?;
    let (verb, path) = inner.split_once(' ')?;
    ["include", "rustdoc_include"].contains(&verb).then(|| path.trim())
}

fn resolve(workspace: &Workspace, page: &TextFile, include: &str) -> Result<(), String> {
    let (path, anchor) = match include.split_once(':') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (include, None),
    };
    let folder = page.folder();
    let file = normal(&folder.join(path)).ok_or("leads out of the project")?;
    let text = fs::read_to_string(workspace.root.join(&file))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if file.extension().is_some_and(|extension| extension == "rs") && !is_compiled(workspace, &file)
    {
        return Err("is of a file that no member of the workspace compiles".to_owned());
    }
    match anchor {
        Some(anchor) => anchored(&text, anchor),
        None if text.contains("ANCHOR") => {
            Err("would show the file's anchors: name one of them".to_owned())
        }
        None => Ok(()),
    }
}

fn anchored(text: &str, anchor: &str) -> Result<(), String> {
    if anchor.starts_with(|c: char| c.is_ascii_digit() || c == ':') {
        return Err("counts lines, which move: name an anchor".to_owned());
    }
    let mark = |kind: &str| {
        let mark = format!("{kind}: {anchor}");
        text.lines().position(|line| line.trim_end().ends_with(&mark))
    };
    match (mark("ANCHOR"), mark("ANCHOR_END")) {
        (Some(start), Some(end)) if start + 1 < end => Ok(()),
        (Some(_), Some(_)) => Err("is empty".to_owned()),
        (None, _) => Err(format!("finds no line that ends with `ANCHOR: {anchor}`")),
        (_, None) => Err(format!("finds no line that ends with `ANCHOR_END: {anchor}`")),
    }
}

/// The path without `..`, unless it climbs above its start.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let workspace = Workspace::load().unwrap();
        let file = |name: &str, text: &str| TextFile {
            path: Path::new("book/src").join(name),
            text: text.to_owned(),
        };
        let files = [file("SUMMARY.md", "[Page](page.md)"), file("page.md", text)];
        let problems = problems(&workspace, Path::new("book/src"), &files);
        assert_eq!(problems, expected);
    }

    #[test]
    fn inline_rust_is_found() {
        check("```toml\na = 1\n```\n", &[]);
        check(
            "```rust,ignore\nfn main() {}\n```\n\n```\n```",
            &[
                "book/src/page.md:2: include this code from a crate that compiles it, such as \
                 book/snippets",
                "book/src/page.md:5: name the language of this block",
            ],
        );
    }

    #[test]
    fn a_missing_file_and_a_missing_anchor_are_found() {
        let file = "../../xtask/src/audit/mod.rs";
        check(&format!("{{{{#include {file}}}}}"), &[]);
        check(
            &format!("```rust\n{{{{#include {file}:none}}}}\n```"),
            &[&format!(
                "book/src/page.md:2: the include of `{file}:none` finds no line that ends with \
                 `ANCHOR: none`"
            )],
        );
        check(
            &format!("{{{{#include {file}:1:3}}}}"),
            &[&format!(
                "book/src/page.md:1: the include of `{file}:1:3` counts lines, which move: name an \
                 anchor"
            )],
        );
    }

    #[test]
    fn a_page_outside_of_the_summary_is_found() {
        let page = TextFile { path: PathBuf::from("book/src/lost.md"), text: String::new() };
        let summary = TextFile { path: PathBuf::from("book/src/SUMMARY.md"), text: String::new() };
        assert_eq!(
            unlisted(Path::new("book/src"), &[&page, &summary]),
            ["book/src/lost.md: add this page to SUMMARY.md"]
        );
    }
}
