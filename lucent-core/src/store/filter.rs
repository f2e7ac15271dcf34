//! Which events a reader or a condition is about.
//!
//! Invariant: [`EventQuery::matches`] is the definition; a store's SQL must agree with it.

use std::borrow::Cow;

use crate::{event::RecordedEvent, tag::Tag};

/// Events by type and tag: all of them, or those that match any of the items.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum EventQuery {
    /// Every event.
    #[default]
    All,
    /// Events that match at least one item; no items match nothing.
    AnyOf(Vec<QueryItem>),
}

/// One alternative of a query: any of the types and all of the tags.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct QueryItem {
    /// Stored names, one of which must be the event's; empty means any type.
    pub types: Vec<Cow<'static, str>>,
    /// Tags, all of which the event must have; empty means any tags.
    pub tags: Vec<Tag>,
}

impl EventQuery {
    /// Events of any of these types.
    pub fn types(names: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        let types = names.into_iter().map(Into::into).collect();
        Self::AnyOf(vec![QueryItem { types, tags: Vec::new() }])
    }

    /// Events that have all of these tags.
    pub fn tags(tags: impl IntoIterator<Item = Tag>) -> Self {
        Self::AnyOf(vec![QueryItem { types: Vec::new(), tags: tags.into_iter().collect() }])
    }

    /// Whether an event of this type and with these tags matches.
    #[must_use]
    pub fn matches(&self, event_type: &str, tags: &[Tag]) -> bool {
        match self {
            Self::All => true,
            Self::AnyOf(items) => items.iter().any(|item| item.matches(event_type, tags)),
        }
    }
}

impl QueryItem {
    /// Whether an event of this type and with these tags matches.
    #[must_use]
    pub fn matches(&self, event_type: &str, tags: &[Tag]) -> bool {
        (self.types.is_empty() || self.types.iter().any(|name| name == event_type))
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}

/// Which events of the log a reader wants.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventFilter {
    /// Only streams of this category.
    pub category: Option<Cow<'static, str>>,
    /// Only events that match.
    pub query: EventQuery,
}

impl EventFilter {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of one category of streams.
    pub fn category(category: impl Into<Cow<'static, str>>) -> Self {
        Self { category: Some(category.into()), query: EventQuery::All }
    }

    /// Whether the event is wanted.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.category.as_ref().is_none_or(|category| category == event.stream.category())
            && self.query.matches(&event.event_type, &event.tags)
    }
}

impl From<EventQuery> for EventFilter {
    fn from(query: EventQuery) -> Self {
        Self { category: None, query }
    }
}
