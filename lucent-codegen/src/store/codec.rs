//! A tiny binary format for what is kept between two builds.
//!
//! Invariant: reading never panics and never trusts a length; anything odd is `None`. Numbers are
//! little-endian, lists and texts carry their length first.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use crate::skim::{Function, Import, Include, Misplaced, Module, PathAttribute, Place, Scope};

/// A value that can be kept.
pub(crate) trait Record: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut &[u8]) -> Option<Self>;
}

/// Puts a header and a checksum around a value.
pub(crate) fn seal<R: Record>(header: &str, value: &R) -> Vec<u8> {
    let mut body = Vec::new();
    value.write(&mut body);
    let mut sealed = header.as_bytes().to_vec();
    hash(&body).write(&mut sealed);
    sealed.extend_from_slice(&body);
    sealed
}

/// Reads what [`seal`] wrote under the same header; anything else is `None`.
pub(crate) fn unseal<R: Record>(header: &str, sealed: &[u8]) -> Option<R> {
    let mut input = sealed.strip_prefix(header.as_bytes())?;
    let sum = u64::read(&mut input)?;
    if sum != hash(input) {
        return None;
    }
    let value = R::read(&mut input)?;
    input.is_empty().then_some(value)
}

/// A hash of bytes, eight at a time; it need not resist anyone.
///
/// Indices instead of iterators: build scripts run unoptimized, and this sees every byte.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ (bytes.len() as u64);
    let whole = bytes.len() - bytes.len() % 8;
    let mut at = 0;
    while at < whole {
        let word = [
            bytes[at],
            bytes[at + 1],
            bytes[at + 2],
            bytes[at + 3],
            bytes[at + 4],
            bytes[at + 5],
            bytes[at + 6],
            bytes[at + 7],
        ];
        hash = mix(hash, u64::from_le_bytes(word));
        at += 8;
    }
    let mut last = [0_u8; 8];
    last[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
    mix(hash, u64::from_le_bytes(last))
}

fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

impl Record for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = input.split_first_chunk::<8>()?;
        *input = rest;
        Some(Self::from_le_bytes(*bytes))
    }
}

impl Record for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = input.split_first_chunk::<4>()?;
        *input = rest;
        Some(Self::from_le_bytes(*bytes))
    }
}

impl Record for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        match byte {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Record for String {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::read(input)?).ok()?;
        let (bytes, rest) = input.split_at_checked(length)?;
        *input = rest;
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

/// Paths that are not Unicode are not kept: their files are skimmed anew.
impl Record for PathBuf {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_string_lossy().into_owned().write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        String::read(input).map(Self::from)
    }
}

impl<R: Record> Record for Vec<R> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::read(input)?).ok()?;
        // Every item takes a byte at least, so a wrong length cannot make this allocate much.
        if length > input.len() {
            return None;
        }
        let mut items = Self::new();
        for _ in 0..length {
            items.push(R::read(input)?);
        }
        Some(items)
    }
}

impl<R: Record + Ord> Record for BTreeSet<R> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Some(Vec::read(input)?.into_iter().collect())
    }
}

impl Record for usize {
    fn write(&self, out: &mut Vec<u8>) {
        (*self as u64).write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Self::try_from(u64::read(input)?).ok()
    }
}

impl<R: Record> Record for Rc<R> {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        R::read(input).map(Self::new)
    }
}

impl<R: Record> Record for Option<R> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        if bool::read(input)? { Some(Some(R::read(input)?)) } else { Some(None) }
    }
}

impl Record for Place {
    fn write(&self, out: &mut Vec<u8>) {
        (*self == Self::Body).write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(input)? { Self::Body } else { Self::Block })
    }
}

/// Writes and reads the fields of a struct in the order given.
macro_rules! record {
    ($name:ident { $($field:tt),* $(,)? }) => {
        impl $crate::store::codec::Record for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $($crate::store::codec::Record::write(&self.$field, out);)*
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::store::codec::Record::read(input)?,)* })
            }
        }
    };
}
pub(crate) use record;

record!(Scope { cfg, imports, modules, includes, functions, misplaced, registry });
record!(Import { path, name });
record!(Module { name, cfg, paths, body });
record!(PathAttribute { conditions, path });
record!(Include { cfg, path, generated });
record!(Function { attribute, ident, name, edition, fingerprint, line, signature, cfg, docs });
record!(Misplaced { attribute, ident, place, line, cfg });

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let value = vec!["a".to_owned(), "ü".to_owned()];
        seal("header", &value)
    }

    #[test]
    fn a_sealed_value_is_read_back() {
        assert_eq!(
            unseal::<Vec<String>>("header", &sealed()),
            Some(vec!["a".to_owned(), "ü".to_owned()])
        );
    }

    #[test]
    fn a_changed_byte_or_length_is_noticed() {
        let sealed = sealed();
        assert_eq!(unseal::<Vec<String>>("other", &sealed), None);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(unseal::<Vec<String>>("header", &changed), None);
            assert_eq!(unseal::<Vec<String>>("header", &sealed[..index]), None);
        }
    }
}
