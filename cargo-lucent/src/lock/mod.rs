//! `lucent.lock`: the shapes of what is stored and sent, as they were last agreed upon.
//!
//! Invariant: one line per shape, sorted, so that two branches that change different shapes merge
//! without a conflict; a line that makes no sense is a finding with its number.

mod collect;
mod compare;
mod file;

pub(crate) use collect::{collect, name_of};
pub(crate) use compare::{Change, ChangeKind, compare, finding};
pub(crate) use file::{Lock, parse, print};

use crate::diagnostic::Place;

/// The name of the file at the root of a workspace.
pub(crate) const NAME: &str = "lucent.lock";

/// A shape under its name and version.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// `bank/AccountEvent.AccountOpened`.
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) shape: String,
    /// In the code, or in the lock.
    pub(crate) place: Place,
}

/// What has a shape that must not change unnoticed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Command,
    Event,
    Function,
    Snapshot,
    View,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Command, Self::Event, Self::Function, Self::Snapshot, Self::View];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Event => "event",
            Self::Function => "function",
            Self::Snapshot => "snapshot",
            Self::View => "view",
        }
    }

    /// Whether versions stand side by side instead of following each other.
    const fn keeps_versions(self) -> bool {
        matches!(self, Self::Function)
    }
}

impl Entry {
    /// What tells it from the others: versions of a function are different entries.
    fn key(&self) -> (Kind, &str, u32) {
        let version = if self.kind.keeps_versions() { self.version } else { 0 };
        (self.kind, &self.name, version)
    }

    /// The package that it belongs to.
    pub(crate) fn package(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// ``event `AccountOpened` ``.
    pub(crate) fn shown(&self) -> String {
        let name = self.name.rsplit(['/', '.']).next().unwrap_or_default();
        format!("{} `{name}`", self.kind.name())
    }

    /// Whether a user means this one: by its whole name or by its end.
    pub(crate) fn is_meant_by(&self, text: &str) -> bool {
        self.name == text
            || self.name.strip_suffix(text).is_some_and(|rest| rest.ends_with(['/', '.']))
    }
}
