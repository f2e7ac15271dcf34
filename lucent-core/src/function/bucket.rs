//! Which of ten thousand buckets a key falls into, today and for ever.
//!
//! Invariant: a bucket is a pure function of purpose, salt, function and key. The vectors in the
//! tests are published in the book; a change of any of them would move everybody's users.
//!
//! The hash is FNV-1a with 64 bits over `purpose | salt | function | key`, with a zero byte between
//! the parts, finished by the mixer of MurmurHash3, modulo 10,000. Ten lines in any language, so that
//! other services and dashboards can tell who is in a rollout.

/// How many buckets there are; a share counts in these.
pub const BUCKETS: u16 = 10_000;

/// The hash of what comes before the key; keys are hashed from here on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Seed(u64);

/// What a bucket decides. Each purpose has hashes of its own, so that who is included says nothing
/// about which variant they get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Whether a rollout includes the key.
    Inclusion,
    /// Which of several editions an included key gets.
    Variant,
    /// Whether a call is run by the shadow too.
    Shadow,
}

/// The bucket of a key, from 0 to 9,999.
///
/// ```
/// use lucent_core::function::{Purpose, bucket_of};
/// assert_eq!(bucket_of(Purpose::Inclusion, "v3", "fee", "user-1"), 2_768);
/// ```
#[must_use]
pub fn bucket_of(purpose: Purpose, salt: &str, function: &str, key: &str) -> u16 {
    Seed::new(purpose, salt, function).bucket(key)
}

impl Seed {
    pub(crate) fn new(purpose: Purpose, salt: &str, function: &str) -> Self {
        let purpose = match purpose {
            Purpose::Inclusion => "inclusion",
            Purpose::Variant => "variant",
            Purpose::Shadow => "shadow",
        };
        let parts = [purpose, salt, function];
        Self(parts.iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| step(fnv(hash, part), 0)))
    }

    pub(crate) fn bucket(self, key: &str) -> u16 {
        let bucket = mix(fnv(self.0, key)) % u64::from(BUCKETS);
        u16::try_from(bucket).expect("a remainder is less than its divisor")
    }
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, step)
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The finalizer of MurmurHash3: each bit of the hash reaches each bit of the result.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold_for_ever() {
        let vectors = [
            (Purpose::Inclusion, "v3", "fee", "user-1", 2_768),
            (Purpose::Inclusion, "v3", "fee", "user-2", 6_432),
            (Purpose::Variant, "v3", "fee", "user-1", 8_476),
            (Purpose::Shadow, "v3", "fee", "user-1", 5_146),
            (Purpose::Inclusion, "v4", "fee", "user-1", 7_196),
            (Purpose::Inclusion, "v3", "detect_arbitrage", "BTC-EUR", 1_392),
            (Purpose::Inclusion, "v3", "fee", "", 541),
            (Purpose::Inclusion, "v3", "fee", "Zürich", 9_809),
            (Purpose::Inclusion, "", "", "", 1_119),
        ];
        for (purpose, salt, function, key, bucket) in vectors {
            assert_eq!(bucket_of(purpose, salt, function, key), bucket, "{purpose:?} {salt} {key}");
        }
    }

    #[test]
    fn keys_spread_evenly() {
        let mut tenths = [0; 10];
        for user in 0..100_000 {
            let bucket = bucket_of(Purpose::Inclusion, "v3", "fee", &format!("user-{user}"));
            tenths[usize::from(bucket / 1_000)] += 1;
        }
        assert!(tenths.iter().all(|count| (9_600..10_400).contains(count)), "{tenths:?}");
    }
}
