//! What travels with every event: identity, correlation, causation and business context.
//!
//! Invariant: correlation and causation are set by the framework; user code can only read them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

macro_rules! message_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new one (UUIDv7: they sort by time).
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
            pub fn new() -> Self {
                Self::at(Timestamp::now())
            }

            /// Makes a new one of this time; within a millisecond, the order is random.
            #[must_use]
            pub fn at(time: Timestamp) -> Self {
                // The fixed bits of a v4 are where those of a v7 are, so 74 random ones are left.
                let random = Uuid::new_v4();
                let mut bytes = [0; 10];
                bytes.copy_from_slice(&random.as_bytes()[6..]);
                let millis = u64::try_from(time.as_micros() / 1_000).unwrap_or_default();
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
            }

            /// Wraps a UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Makes the one that belongs to a text: equal texts give equal ids (UUIDv5).
            #[must_use]
            pub fn derived(text: &str) -> Self {
                Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()))
            }

            /// The UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

message_id! {
    /// The identity of one event.
    EventId
}
message_id! {
    /// The identity of one command; sending it twice has one effect.
    CommandId
}

/// What the business wants to travel with its messages: user, trading pair, workflow and so on.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessContext(BTreeMap<String, String>);

impl BusinessContext {
    /// Sets a field and gives the context back.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Every field, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a message comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    correlation: Uuid,
    causation: Uuid,
    context: BusinessContext,
}

impl Metadata {
    /// The metadata of what a command causes; the command starts a conversation of its own.
    #[must_use]
    pub fn of_command(command: CommandId, context: BusinessContext) -> Self {
        Self { correlation: command.uuid(), causation: command.uuid(), context }
    }

    /// The metadata of what a command causes that itself was caused by an event.
    #[must_use]
    pub fn caused_by(command: CommandId, event: &Self) -> Self {
        Self {
            correlation: event.correlation,
            causation: command.uuid(),
            context: event.context.clone(),
        }
    }

    /// Puts stored metadata together again; for stores.
    #[must_use]
    pub fn from_parts(correlation: Uuid, causation: Uuid, context: BusinessContext) -> Self {
        Self { correlation, causation, context }
    }

    /// What all messages of one conversation share.
    #[must_use]
    pub fn correlation(&self) -> Uuid {
        self.correlation
    }

    /// The id of the message that caused this one.
    #[must_use]
    pub fn causation(&self) -> Uuid {
        self.causation
    }

    /// The business context.
    #[must_use]
    pub fn context(&self) -> &BusinessContext {
        &self.context
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_version_7_and_sort_by_time() {
        let early: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-05T10:00:00.001Z".parse().unwrap();
        let ids: HashSet<_> = (0..10_000).map(|_| EventId::at(early)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            assert_eq!(
                (id.uuid().get_version_num(), id.uuid().get_variant()),
                (7, uuid::Variant::RFC4122)
            );
            assert!(id < EventId::at(late));
        }
    }
}
