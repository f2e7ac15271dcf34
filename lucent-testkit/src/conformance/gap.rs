//! What a store may lack, if it says so.
//!
//! Invariant: a gap that is declared is checked to be one; a store that can do more than it says
//! fails the suite.

use lucent_core::{
    Position,
    store::{Append, AppendCondition, AppendError, EventQuery, ExpectedVersion, StreamWrite},
};

use crate::conformance::{
    Subject,
    tally::tally,
    vocabulary::{event, inline, stream},
};

/// Something that a store cannot do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Gap {
    /// Appends with a condition are refused as invalid.
    NoConditions,
    /// Appends with inline projections are refused as invalid.
    NoInlineProjections,
    /// The data is open in one place only.
    SingleInstance,
    /// Appends to several streams are refused as invalid.
    SingleStreamAppends,
    /// The data is gone after a restart.
    Volatile,
}

impl Gap {
    /// Checks that the store really lacks it, and says so to its callers.
    ///
    /// # Panics
    /// If it does not.
    pub async fn assert_refused(self, mut subject: Subject) {
        match self {
            Self::NoConditions => {
                let mut append = one_event();
                let query = EventQuery::types(["Never"]);
                append.condition = Some(AppendCondition { query, after: Position::ZERO });
                self.refuses(&subject, append).await;
            }
            Self::NoInlineProjections => {
                let mut append = one_event();
                append.inline = inline(&[tally("declared")]);
                self.refuses(&subject, append).await;
            }
            Self::SingleStreamAppends => {
                let mut append = one_event();
                append.writes.push(StreamWrite {
                    stream: stream("gap-2"),
                    expected: ExpectedVersion::Any,
                    events: vec![event("Happened")],
                });
                self.refuses(&subject, append).await;
            }
            Self::SingleInstance => {
                assert!(
                    subject.try_second().await.is_none(),
                    "the store declares {self:?}, and a second instance was opened"
                );
            }
            Self::Volatile => {
                subject.store().write("gap-1", vec![event("Happened")]).await;
                subject.reopen().await;
                assert!(
                    subject.store().log().await.is_empty(),
                    "the store declares {self:?}, and its events survived a restart"
                );
            }
        }
    }

    async fn refuses(self, subject: &Subject, append: Append) {
        let store = subject.store();
        let outcome = store.append(append).await;
        assert!(
            matches!(outcome, Err(AppendError::Invalid { .. })),
            "the store declares {self:?}; it must refuse the append as invalid: {outcome:?}"
        );
        assert!(store.log().await.is_empty(), "a refused append wrote something");
    }
}

fn one_event() -> Append {
    Append::one(stream("gap-1"), ExpectedVersion::Any, vec![event("Happened")])
}
