//! What ran, and why: for the caller, for `explain`, and for the events that a call causes.
//!
//! Invariant: what is recorded with an event is enough to run the same edition again, whatever the
//! rollouts are by then.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{event::BusinessContext, function::EditionId, position::Position};

/// Which edition of a function ran, and why that one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ran {
    /// The function.
    pub function: &'static str,
    /// The edition of it.
    pub edition: EditionId,
    /// Why that one.
    pub reason: Reason,
    /// Where the rollout's bucket of the call lies, if there is a rollout.
    pub bucket: Option<u16>,
    /// The last change of control that the decision knew.
    pub epoch: Position,
}

/// Why an edition was chosen.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reason {
    /// It is the current one, and there is no rollout.
    Current,
    /// The rollout includes the call's key.
    Included,
    /// The rollout does not include the call's key.
    NotIncluded,
    /// There is a rollout, and the call has no key that it could stick by.
    NoStickKey,
    /// The caller asked for it.
    Pinned,
    /// It is recorded with the event that is replayed.
    Recorded,
    /// The edition that was chosen at first cannot run now.
    Fallback {
        /// That edition.
        from: EditionId,
    },
}

impl Ran {
    /// The context with a note of what ran. Events that are recorded with it can be replayed with the
    /// same edition; see [`CallContext::replay`](crate::function::CallContext::replay).
    ///
    /// ```
    /// use lucent_core::{BusinessContext, Position, function::{Ran, Reason}};
    /// let ran = Ran {
    ///     function: "fee",
    ///     edition: 3.into(),
    ///     reason: Reason::Included,
    ///     bucket: Some(41),
    ///     epoch: Position::new(7),
    /// };
    /// let context = ran.noted_in(BusinessContext::default());
    /// assert_eq!(context.field("function:fee"), Some("v3 reason=included bucket=41 epoch=7"));
    /// ```
    #[must_use]
    pub fn noted_in(&self, context: BusinessContext) -> BusinessContext {
        context.with(field(self.function), self.note())
    }

    fn note(&self) -> String {
        let Self { edition, reason, bucket, epoch, .. } = self;
        match bucket {
            Some(bucket) => format!("{edition} reason={reason} bucket={bucket} epoch={epoch}"),
            None => format!("{edition} reason={reason} epoch={epoch}"),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.function, self.note())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Included => f.write_str("included"),
            Self::NotIncluded => f.write_str("not-included"),
            Self::NoStickKey => f.write_str("no-stick-key"),
            Self::Pinned => f.write_str("pinned"),
            Self::Recorded => f.write_str("recorded"),
            Self::Fallback { from } => write!(f, "fallback-from-{from}"),
        }
    }
}

/// The edition that a context notes for a function.
pub(crate) fn recorded_edition(context: &BusinessContext, function: &str) -> Option<EditionId> {
    let note = context.field(&field(function))?;
    note.split(' ').next()?.parse().ok()
}

fn field(function: &str) -> String {
    format!("function:{function}")
}
