//! The code beside the lock.
//!
//! Invariant: what could make stored events unreadable is told apart from what only needs to be
//! written down.

use std::collections::BTreeMap;

use super::{Entry, Kind, Lock, NAME};
use crate::diagnostic::{Code, Diagnostic};

/// A difference between the code and the lock.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) kind: ChangeKind,
    pub(crate) now: Option<&'a Entry>,
    pub(crate) was: Option<&'a Entry>,
}

/// How bad a difference is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChangeKind {
    /// Not in the lock yet.
    New,
    /// A higher version.
    Raised,
    /// Fields were added that need not be there.
    Extended,
    /// Gone, and nobody misses it.
    Obsolete,
    /// The shape changed, the version did not.
    Changed,
    /// The version went down.
    Lowered,
    /// Stored events of this name cannot be read any more.
    Gone,
}

impl ChangeKind {
    /// Whether the lock may follow without anybody's consent.
    pub(crate) const fn is_harmless(self) -> bool {
        matches!(self, Self::New | Self::Raised | Self::Extended | Self::Obsolete)
    }
}

/// Compares; `retired` says which event names are passed over, `covers` which packages were read.
pub(crate) fn compare<'a>(
    now: &'a [Entry],
    lock: &'a Lock,
    retired: impl Fn(&Entry) -> bool,
    covers: impl Fn(&str) -> bool,
) -> Vec<Change<'a>> {
    let was: BTreeMap<_, &Entry> = lock.entries.iter().map(|entry| (entry.key(), entry)).collect();
    let known: BTreeMap<_, &Entry> = now.iter().map(|entry| (entry.key(), entry)).collect();
    let mut changes = Vec::new();
    for entry in now {
        let old = was.get(&entry.key()).copied();
        if let Some(kind) = kind_of(entry, old) {
            changes.push(Change { kind, now: Some(entry), was: old });
        }
    }
    for old in lock.entries.iter().filter(|old| covers(old.package())) {
        if !known.contains_key(&old.key()) {
            let missed = old.kind == Kind::Event && !retired(old);
            let kind = if missed { ChangeKind::Gone } else { ChangeKind::Obsolete };
            changes.push(Change { kind, now: None, was: Some(old) });
        }
    }
    changes
}

fn kind_of(now: &Entry, was: Option<&Entry>) -> Option<ChangeKind> {
    let Some(was) = was else {
        return Some(ChangeKind::New);
    };
    match now.version.cmp(&was.version) {
        std::cmp::Ordering::Greater => Some(ChangeKind::Raised),
        std::cmp::Ordering::Less => Some(ChangeKind::Lowered),
        std::cmp::Ordering::Equal if now.shape == was.shape => None,
        std::cmp::Ordering::Equal if extends(&now.shape, &was.shape) => Some(ChangeKind::Extended),
        std::cmp::Ordering::Equal => Some(ChangeKind::Changed),
    }
}

/// Whether all that is new are fields that need not be there.
fn extends(now: &str, was: &str) -> bool {
    let (Some(now), Some(was)) = (fields(now), fields(was)) else {
        return false;
    };
    let kept = was.iter().all(|field| now.contains(field));
    let optional =
        |field: &&str| field.split_once(": ").is_some_and(|(name, _)| name.ends_with('?'));
    kept && now.iter().filter(|field| !was.contains(field)).all(optional)
}

/// The fields of `{a: A, b?: B}`, or nothing if it is no such shape.
fn fields(shape: &str) -> Option<Vec<&str>> {
    let inner = match shape {
        "()" => "",
        _ => shape.strip_prefix('{')?.strip_suffix('}')?,
    };
    let mut fields = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                fields.push(inner[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(inner[start..].trim());
    fields.retain(|field| !field.is_empty());
    Some(fields)
}

/// A difference as a finding.
pub(crate) fn finding(change: &Change<'_>) -> Diagnostic {
    let entry = change.now.or(change.was).expect("a change is of something");
    let shown = entry.shown();
    let (code, message) = match change.kind {
        ChangeKind::Changed => (
            Code::SHAPE_CHANGED,
            format!("the shape of the {shown} changed, but its version is still {}", entry.version),
        ),
        ChangeKind::Gone => {
            (Code::SHAPE_GONE, format!("the {shown} is gone, but it may be stored"))
        }
        ChangeKind::Lowered => {
            (Code::VERSION_BACK, format!("the version of the {shown} went down"))
        }
        ChangeKind::New => (Code::LOCK_BEHIND, format!("the {shown} is not in {NAME} yet")),
        ChangeKind::Raised => (Code::LOCK_BEHIND, format!("the {shown} has a new version")),
        ChangeKind::Extended => (Code::LOCK_BEHIND, format!("the {shown} has new optional fields")),
        ChangeKind::Obsolete => (Code::LOCK_BEHIND, format!("the {shown} is in {NAME} only")),
    };
    let mut finding = Diagnostic::error(code, message).at(entry.place.clone(), "");
    if let (Some(now), Some(was)) = (change.now, change.was) {
        finding = finding
            .note(format!("version {} in {}: {}", was.version, was.place.shown(), was.shape))
            .note(format!("version {} in the code: {}", now.version, now.shape));
    }
    if change.kind.is_harmless() {
        return finding.help(format!("run `cargo lucent lock` and commit {NAME}"));
    }
    ways_out(finding, change.kind, entry)
}

/// The three ways out.
fn ways_out(finding: Diagnostic, change: ChangeKind, entry: &Entry) -> Diagnostic {
    let Entry { kind, name, version, .. } = entry;
    let ident = name.rsplit(['/', '.']).next().unwrap_or_default();
    let accept = format!(
        "nothing of this shape was ever stored or sent? `cargo lucent lock --accept {name}`"
    );
    let next = version + 1;
    let finding = match (change, kind) {
        (ChangeKind::Gone, _) => finding
            .help("keep the event: its stored name can stay while its name in the code changes, \
                   `#[event(name = \"…\")]`")
            .help(format!("pass over what is stored: `retired(\"{ident}\")` in the `#[event(…)]` of the enum")),
        (ChangeKind::Lowered, _) => finding
            .help("restore the version that is in the lock")
            .help(format!("or raise it above version {version}, with the shapes before as upcasts")),
        (_, Kind::Event) => finding
            .help("keep the stored shape: undo the change, or describe it to serde with `rename`, `alias` or `default`")
            .help(format!(
                "or make it a new version: keep the old shape as `{ident}V{version}` with a `From`, and write \
                 `#[event(version = {next}, upcast(from = {ident}V{version}))]`"
            )),
        (_, Kind::Snapshot) => finding
            .help("keep the stored shape: undo the change, or describe it to serde with `rename`, `alias` or `default`")
            .help(format!("or make it a new version, `snapshot(version = {next})`: older snapshots are passed over")),
        (_, Kind::View) => finding
            .help("keep the stored shape: undo the change, or describe it to serde with `rename`, `alias` or `default`")
            .help(format!("or make it a new version, `version = {next}`: the read model is built anew beside the old one")),
        (_, Kind::Function) => finding
            .help("keep the signature: undo the change")
            .help(format!("or raise it to `version = {next}`, and its older editions go: all of them have one signature")),
        (_, Kind::Command) => finding
            .help("keep the shape: undo the change, or describe it to serde with `rename`, `alias` or `default`")
            .help("or make it another command: give it a name of its own"),
    };
    finding.help(accept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Place, lock::parse};

    fn entry(kind: Kind, name: &str, version: u32, shape: &str) -> Entry {
        let place = Place::line("src/lib.rs", 1);
        Entry { kind, name: name.to_owned(), version, shape: shape.to_owned(), place }
    }

    fn kinds(lock: &str, now: &[Entry]) -> Vec<ChangeKind> {
        let lock = parse(&format!("# lucent.lock 1\n{lock}\n")).unwrap();
        let retired = |entry: &Entry| entry.name.ends_with("Retired");
        compare(now, &lock, retired, |package| package == "a")
            .iter()
            .map(|change| change.kind)
            .collect()
    }

    #[test]
    fn each_difference_is_what_it_is() {
        let event = |version, shape| [entry(Kind::Event, "a/E.B", version, shape)];
        let locked = "event a/E.B 2 {x: u64}";
        assert_eq!(kinds(locked, &event(2, "{x: u64}")), []);
        assert_eq!(kinds(locked, &event(2, "{x: u32}")), [ChangeKind::Changed]);
        assert_eq!(kinds(locked, &event(2, "{x: u64, y?: F<A, B>}")), [ChangeKind::Extended]);
        assert_eq!(kinds(locked, &event(2, "{x: u64, y: u64}")), [ChangeKind::Changed]);
        assert_eq!(kinds(locked, &event(2, "{y?: u64}")), [ChangeKind::Changed]);
        assert_eq!(kinds(locked, &event(3, "{y: u64}")), [ChangeKind::Raised]);
        assert_eq!(kinds(locked, &event(1, "{x: u64}")), [ChangeKind::Lowered]);
        assert_eq!(kinds("", &event(1, "()")), [ChangeKind::New]);
    }

    #[test]
    fn only_a_stored_event_is_missed() {
        assert_eq!(kinds("event a/E.B 1 ()", &[]), [ChangeKind::Gone]);
        assert_eq!(kinds("event a/E.Retired 1 ()", &[]), [ChangeKind::Obsolete]);
        assert_eq!(kinds("command a/C 1 ()", &[]), [ChangeKind::Obsolete]);
        assert_eq!(kinds("event other/E.B 1 ()", &[]), []);
    }

    #[test]
    fn a_changed_shape_comes_with_both_shapes_and_three_ways_out() {
        let lock = parse("# lucent.lock 1\nevent a/E.Paid 1 {x: u64}\n").unwrap();
        let now = [entry(Kind::Event, "a/E.Paid", 1, "{y: u64}")];
        let changes = compare(&now, &lock, |_| false, |_| true);
        let finding = finding(&changes[0]);
        assert_eq!(finding.notes.len(), 2);
        assert!(finding.notes[0].contains("lucent.lock:2: {x: u64}"), "{}", finding.notes[0]);
        assert_eq!(finding.helps.len(), 3);
        assert!(finding.helps[1].contains("upcast(from = PaidV1)"));
    }
}
