//! What is known of a call beside its input.
//!
//! Invariant: a context says who calls and nothing else; what it leaves open is decided by the table
//! alone, so equal contexts are routed equally.

use crate::{
    event::{BusinessContext, Metadata},
    function::{EditionId, record::recorded_edition},
};

/// The field of the business context that names the jurisdiction: `CH`, `US-NY`.
pub const JURISDICTION: &str = "jurisdiction";

/// The field of the business context that names the tenant.
pub const TENANT: &str = "tenant";

/// Who calls a function: the business context, and whether an edition is asked for.
///
/// A business context becomes one by itself: `functions.call::<fee>(&context, &order)`.
#[derive(Clone, Debug)]
pub struct CallContext<'a> {
    business: &'a BusinessContext,
    wish: Wish,
}

/// Which edition a call asks for.
#[derive(Clone, Debug)]
enum Wish {
    /// The one that the table says.
    None,
    /// The one that is recorded in the context.
    Recorded,
    /// This one, which is recorded elsewhere.
    Repeated(EditionId),
    /// This one.
    Pinned(EditionId),
}

/// Nothing is known of who calls.
static NOBODY: std::sync::LazyLock<BusinessContext> = std::sync::LazyLock::new(Default::default);

impl CallContext<'static> {
    /// A call of which nothing is known. Functions with rules on jurisdictions refuse it.
    #[must_use]
    pub fn nobody() -> Self {
        Self { business: &NOBODY, wish: Wish::None }
    }
}

impl<'a> CallContext<'a> {
    /// A repetition of what was done when an event was recorded: each function runs in the edition
    /// that is recorded there, whatever the table says today. A function that is not recorded there
    /// is routed by the table.
    #[must_use]
    pub fn replay(metadata: &'a Metadata) -> Self {
        Self { business: metadata.context(), wish: Wish::Recorded }
    }

    /// A repetition of a call whose edition is kept in an event's own fields: the function runs in this
    /// edition, whatever the table says today.
    #[must_use]
    pub fn repeating(mut self, edition: impl Into<EditionId>) -> Self {
        self.wish = Wish::Repeated(edition.into());
        self
    }

    /// Asks for one edition, if the function may run at all.
    #[must_use]
    pub fn pinned(mut self, edition: impl Into<EditionId>) -> Self {
        self.wish = Wish::Pinned(edition.into());
        self
    }

    /// A field of the business context.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        self.business.field(key)
    }

    /// The business context.
    pub(crate) fn business(&self) -> &'a BusinessContext {
        self.business
    }

    /// The edition that the events before this call were made with.
    pub(crate) fn recorded(&self, function: &str) -> Option<EditionId> {
        match &self.wish {
            Wish::Recorded => recorded_edition(self.business, function),
            Wish::Repeated(edition) => Some(edition.clone()),
            Wish::None | Wish::Pinned(_) => None,
        }
    }

    /// The edition that the caller insists on.
    pub(crate) fn pin(&self) -> Option<&EditionId> {
        match &self.wish {
            Wish::Pinned(edition) => Some(edition),
            Wish::None | Wish::Recorded | Wish::Repeated(_) => None,
        }
    }
}

impl<'a> From<&'a BusinessContext> for CallContext<'a> {
    fn from(business: &'a BusinessContext) -> Self {
        Self { business, wish: Wish::None }
    }
}
