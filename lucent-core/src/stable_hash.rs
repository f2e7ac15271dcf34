//! A hash that is the same on every machine, in every build, for ever.
//!
//! FNV-1a with 64 bits over the parts, with a zero byte between them, finished by the mixer of
//! MurmurHash3: ten lines in any language. Invariant: the vectors below never change, because
//! stored assignments rest on them.

/// The hash of these parts, in this order.
pub(crate) fn stable_hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = OFFSET;
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            hash = step(hash, 0);
        }
        hash = part.iter().copied().fold(hash, step);
    }
    mix(hash)
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(PRIME)
}

/// Spreads each bit of the hash over all bits of the result.
pub(crate) fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold_for_ever() {
        let vectors: [(&[&str], u64); 4] = [
            (&[""], 0xefd0_1f60_ba99_2926),
            (&["a"], 0x82a2_a958_a9be_ce5b),
            (&["a", "b"], 0xab78_f5ec_a36d_0e2b),
            (&["BTC-USD"], 0x7429_c9a4_b1c3_4eea),
        ];
        for (parts, expected) in vectors {
            let hash = stable_hash(parts.iter().map(|part| part.as_bytes()));
            assert_eq!(hash, expected, "{parts:?}: {hash:#x}");
        }
    }
}
