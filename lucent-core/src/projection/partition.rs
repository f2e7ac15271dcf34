//! Which partition of a projection a document belongs to.
//!
//! Invariant: the same key has the same partition in every release and on every machine.

use std::fmt;

use crate::{stable_hash::stable_hash, store::DocumentKey};

/// One of the parts into which the documents of a projection are divided by their keys, or the
/// streams of an event handler by their names.
///
/// A key's partition is its hash modulo the number of partitions. The hash is the FNV-1a hash of the
/// key's UTF-8, of 64 bits, whose bits are then mixed as MurmurHash3 mixes its last ones.
///
/// ```
/// use lucent_core::Partition;
/// let halves = [Partition::new(0, 2), Partition::new(1, 2)];
/// let owners = halves.iter().flatten().filter(|half| half.owns(&"account-42".into()));
/// assert_eq!(owners.count(), 1);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Partition {
    index: u32,
    count: u32,
}

impl Partition {
    /// All documents.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The part of this index, counted from 0, of so many; none if there is no such part.
    #[must_use]
    pub const fn new(index: u32, count: u32) -> Option<Self> {
        if index < count { Some(Self { index, count }) } else { None }
    }

    /// Its index, counted from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Whether the document of this key belongs to it.
    #[must_use]
    pub fn owns(self, key: &DocumentKey) -> bool {
        self.owns_text(key.as_str())
    }

    /// Whether what has this for a key belongs to it.
    pub(crate) fn owns_text(self, key: &str) -> bool {
        self.count == 1 || hash(key) % u64::from(self.count) == u64::from(self.index)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} of {}", self.index, self.count)
    }
}

fn hash(key: &str) -> u64 {
    stable_hash([key.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_key_is_the_published_one() {
        for (key, expected, of_eight) in [
            ("", 0xefd0_1f60_ba99_2926, 6),
            ("a", 0x82a2_a958_a9be_ce5b, 3),
            ("b", 0x6e67_3288_764a_d2d0, 0),
            ("account-42", 0x202c_0b38_478c_135f, 7),
            ("42", 0x810b_196a_56ee_3cec, 4),
            ("Ünïcödé", 0xc475_fecc_286d_7411, 1),
            ("00000000-0000-0000-0000-000000000000", 0x1e2d_fea2_dc3b_4b04, 4),
        ] {
            assert_eq!(hash(key), expected, "the hash of `{key}`");
            let owns =
                |index: &u32| Partition::new(*index, 8).is_some_and(|part| part.owns(&key.into()));
            assert_eq!((0..8).filter(owns).collect::<Vec<_>>(), [of_eight], "of `{key}`");
        }
    }

    #[test]
    fn keys_that_are_numbers_spread_evenly() {
        let mut counts = [0_u32; 8];
        for number in 0..8_000 {
            let key = DocumentKey::new(number);
            let part = (0..8).find(|index| Partition::new(*index, 8).unwrap().owns(&key));
            counts[part.unwrap() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }

    #[test]
    fn one_partition_owns_everything_and_there_is_none_beyond_the_last() {
        assert!(Partition::WHOLE.owns(&"anything".into()));
        assert_eq!(Partition::new(3, 3), None);
        assert_eq!(Partition::new(0, 0), None);
    }
}
