//! Where an event stands: in the whole log, and in its own stream.
//!
//! Invariant: both count from 1; zero stands before the first event.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the log of all events.
///
/// Positions grow in the order in which events become visible, so a reader that asks for
/// positions after the last one it saw misses none. Some stores leave gaps; rely on the order only.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

/// How many events a stream held after an event: the first event makes version 1.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

macro_rules! ordinal {
    ($name:ident, $zero:literal) => {
        impl $name {
            #[doc = $zero]
            pub const ZERO: Self = Self(0);
            /// Greater than any that exists.
            pub const MAX: Self = Self(u64::MAX);

            /// Wraps a number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// This one moved on by a count.
            #[must_use]
            pub const fn plus(self, count: usize) -> Self {
                Self(self.0.saturating_add(count as u64))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

ordinal!(Position, "Before the first event of the log.");
ordinal!(Version, "The version of a stream that has no events.");
