//! The text of a lock.
//!
//! Invariant: what is printed is parsed to the same entries, and printed again to the same bytes.

use std::collections::BTreeMap;

use super::{Entry, Kind, NAME};
use crate::diagnostic::{Code, Diagnostic, Place};

/// The entries of a file, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock {
    pub(crate) entries: Vec<Entry>,
}

/// Reads a lock; every line that makes no sense is a finding.
pub(crate) fn parse(text: &str) -> Result<Lock, Vec<Diagnostic>> {
    let mut entries: BTreeMap<(Kind, String, u32), Entry> = BTreeMap::new();
    let mut problems = Vec::new();
    if text.lines().next().is_none_or(|line| line.trim_end() != HEADER) && !has_conflict(text) {
        problems.push(
            invalid(1, "this is no lock of this version")
                .note(format!("its first line is `{HEADER}`")),
        );
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if is_marker(line) {
            problems.push(conflict(number));
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match entry(line, number) {
            Ok(entry) => match entries.get(&owned_key(&entry)) {
                Some(known) => problems.push(
                    invalid(number, &format!("the {} is locked twice", entry.shown()))
                        .and_at(known.place.clone(), "here too"),
                ),
                None => {
                    entries.insert(owned_key(&entry), entry);
                }
            },
            Err(reason) => problems.push(invalid(number, reason)),
        }
    }
    if problems.is_empty() {
        let mut entries: Vec<Entry> = entries.into_values().collect();
        entries.sort();
        return Ok(Lock { entries });
    }
    // Both sides of a conflict repeat shapes; that is no news.
    if problems.iter().any(|problem| problem.code == Code::LOCK_CONFLICT) {
        problems.retain(|problem| problem.code == Code::LOCK_CONFLICT);
    }
    Err(problems)
}

/// Writes a lock.
pub(crate) fn print(entries: &[Entry]) -> String {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort();
    let mut text = format!("{HEADER}\n{EXPLANATION}");
    for Entry { kind, name, version, shape, .. } in sorted {
        text.push_str(&format!("{} {name} {version} {shape}\n", kind.name()));
    }
    text
}

fn owned_key(entry: &Entry) -> (Kind, String, u32) {
    let (kind, name, version) = entry.key();
    (kind, name.to_owned(), version)
}

fn entry(line: &str, number: usize) -> Result<Entry, &'static str> {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let kind = part().ok_or("the line says no kind")?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = kind.ok_or("the line starts with no known kind")?;
    let name =
        part().filter(|name| name.contains('/')).ok_or("the line names no package and shape")?;
    let version =
        part().and_then(|version| version.parse().ok()).ok_or("the line has no version")?;
    let shape = part().ok_or("the line has no shape")?;
    Ok(Entry {
        kind,
        name: name.to_owned(),
        version,
        shape: shape.trim_end().to_owned(),
        place: Place::line(NAME, number),
    })
}

fn invalid(line: usize, reason: &str) -> Diagnostic {
    Diagnostic::error(Code::LOCK_INVALID, format!("{NAME} cannot be read: {reason}"))
        .at(Place::line(NAME, line), "here")
        .help("restore the line from version control, or delete it and run `cargo lucent lock`")
}

fn conflict(line: usize) -> Diagnostic {
    Diagnostic::error(Code::LOCK_CONFLICT, format!("{NAME} has a merge conflict in it"))
        .at(Place::line(NAME, line), "left by the merge")
        .help("keep the lines of both sides and remove the markers; where both sides changed one shape, keep the \
               line of the code that won")
        .help("then run `cargo lucent lock`, which sorts the lines and checks them against the code")
}

fn has_conflict(text: &str) -> bool {
    text.lines().any(is_marker)
}

fn is_marker(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker))
}

const HEADER: &str = "# lucent.lock 1";

const EXPLANATION: &str = "\
# The shapes of what is stored and sent: kind, name, version, shape. Commit this file.
# `cargo lucent lock` writes it, `cargo lucent check` compares the code with it.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(lines: &str) -> Result<Lock, Vec<Diagnostic>> {
        parse(&format!("{HEADER}\n{lines}"))
    }

    #[track_caller]
    fn refused(text: &str, code: Code, line: usize, says: &str) {
        let problems = parse(text).unwrap_err();
        let problem = &problems[0];
        assert_eq!((problem.code, problem.place.as_ref().unwrap().line), (code, line));
        assert!(problem.message.contains(says), "{}", problem.message);
    }

    #[test]
    fn what_is_printed_is_read_back() {
        let read =
            lock("event a/E.B 2 {x: u64, y: Vec<Money(u64)>}\ncommand a/C 1 (u64)\n").unwrap();
        let text = print(&read.entries);
        assert!(
            text.ends_with("command a/C 1 (u64)\nevent a/E.B 2 {x: u64, y: Vec<Money(u64)>}\n")
        );
        assert_eq!(print(&parse(&text).unwrap().entries), text);
    }

    #[test]
    fn nonsense_is_named_with_its_line() {
        let line = |text: &str| format!("{HEADER}\n# a comment\n\n{text}\n");
        refused(&line("evnt a/B 1 x"), Code::LOCK_INVALID, 4, "no known kind");
        refused(&line("event B 1 x"), Code::LOCK_INVALID, 4, "no package");
        refused(&line("event a/B one x"), Code::LOCK_INVALID, 4, "no version");
        refused(&line("event a/B 1"), Code::LOCK_INVALID, 4, "no shape");
        refused(&line("event a/B 1 x\nevent a/B 2 y"), Code::LOCK_INVALID, 5, "locked twice");
        refused("# lucent.lock 2\n", Code::LOCK_INVALID, 1, "of this version");
        refused("", Code::LOCK_INVALID, 1, "of this version");
    }

    #[test]
    fn conflict_markers_are_the_only_thing_said_about_a_conflict() {
        let text = format!(
            "{HEADER}\n<<<<<<< HEAD\nevent a/B 1 x\n=======\nevent a/B 2 y\n>>>>>>> theirs\n"
        );
        refused(&text, Code::LOCK_CONFLICT, 2, "merge conflict");
        assert_eq!(parse(&text).unwrap_err().len(), 3);
    }

    #[test]
    fn versions_of_a_function_stand_side_by_side() {
        assert_eq!(lock("function a/f 1 x\nfunction a/f 2 y\n").unwrap().entries.len(), 2);
    }
}
