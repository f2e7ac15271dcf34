//! The shards that keys fall into.
//!
//! Invariant: the shard of a key never changes, so whoever owns it sees all of the key's work.

use std::fmt;

use crate::stable_hash::stable_hash;

/// One of [`Shard::COUNT`] parts of all keys; what happens within one keeps its order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Shard(u16);

impl Shard {
    /// How many there are: enough to spread over hundreds of nodes, few enough for a table.
    pub const COUNT: u16 = 4_096;

    /// The shard of a key: its stable hash, modulo [`Self::COUNT`].
    ///
    /// ```
    /// use lucent_core::mesh::Shard;
    /// assert_eq!(Shard::of("BTC-USD").number(), 3_818);
    /// assert_eq!(Shard::of("a").number(), 3_675);
    /// ```
    #[must_use]
    pub fn of(key: &str) -> Self {
        let shard = stable_hash([key.as_bytes()]) % u64::from(Self::COUNT);
        Self(u16::try_from(shard).expect("a remainder is less than its divisor"))
    }

    /// Every shard, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// Its number, from zero.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {}", self.0)
    }
}
