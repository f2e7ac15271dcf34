//! What a projector's key function may return.
//!
//! Invariant: keys are texts; an aggregate's id makes the same key as its stream's default key.

use uuid::Uuid;

use crate::{id::AggregateId, store::DocumentKey};

/// Zero, one or several document keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the key of a document",
    note = "return a text, a number, a `Uuid`, an aggregate's id, an `Option` or a `Vec` of these"
)]
pub trait IntoKeys {
    /// Adds the keys to a list.
    fn into_keys(self, keys: &mut Vec<DocumentKey>);
}

impl<I: AggregateId> IntoKeys for &I {
    fn into_keys(self, keys: &mut Vec<DocumentKey>) {
        keys.push(DocumentKey::new(self.value()));
    }
}

macro_rules! printed {
    ($($kind:ty),*) => {
        $(impl IntoKeys for $kind {
            fn into_keys(self, keys: &mut Vec<DocumentKey>) {
                keys.push(DocumentKey::new(self));
            }
        })*
    };
}

printed!(&str, String, Uuid, u8, u16, u32, u64, i8, i16, i32, i64, usize, isize);

impl IntoKeys for DocumentKey {
    fn into_keys(self, keys: &mut Vec<DocumentKey>) {
        keys.push(self);
    }
}

impl IntoKeys for &String {
    fn into_keys(self, keys: &mut Vec<DocumentKey>) {
        keys.push(DocumentKey::from(self.as_str()));
    }
}

impl<T: IntoKeys> IntoKeys for Option<T> {
    fn into_keys(self, keys: &mut Vec<DocumentKey>) {
        if let Some(key) = self {
            key.into_keys(keys);
        }
    }
}

impl<T: IntoKeys> IntoKeys for Vec<T> {
    fn into_keys(self, keys: &mut Vec<DocumentKey>) {
        for key in self {
            key.into_keys(keys);
        }
    }
}
