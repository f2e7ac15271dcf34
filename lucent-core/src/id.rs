//! Typed identifiers of aggregates.
//!
//! Invariant: an aggregate's identifier and its category decide its stream's name, and nothing
//! else does.

use std::{fmt, hash::Hash, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::stream::{InvalidStreamId, StreamId};

/// A value that can stand inside an aggregate's identifier: `Uuid`, `String`, integers and the like.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand inside an aggregate's id",
    note = "keep a `Uuid`, a `String` or an integer in it, or a type with `Clone`, `Debug`, `Display`, `FromStr`, `Hash`, `Ord`, `Serialize` and `Deserialize`"
)]
pub trait IdValue:
    Clone
    + fmt::Debug
    + fmt::Display
    + Eq
    + FromStr<Err: fmt::Display>
    + Hash
    + Ord
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<T> IdValue for T where
    T: Clone
        + fmt::Debug
        + fmt::Display
        + Eq
        + FromStr<Err: fmt::Display>
        + Hash
        + Ord
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// An identifier's value that can be made up without asking anybody.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be generated, so this id has no `new()`",
    note = "make the id from a value, as in `AccountId::from(value)`, or keep a `Uuid` in it"
)]
pub trait GeneratedValue: IdValue {
    /// Makes a new, unique value.
    fn generate() -> Self;
}

impl GeneratedValue for Uuid {
    fn generate() -> Self {
        Self::now_v7()
    }
}

/// The identifier of an aggregate: a newtype over one value, and the category of its streams.
///
/// `#[derive(AggregateId)]` on `struct AccountId(Uuid);` writes this and the standard traits
/// (`Clone`, `Debug`, `Display`, `Eq`, `FromStr`, `Hash`, `Ord`, `Serialize`, `Deserialize`, and
/// `Copy` where the value has it).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate id",
    note = "write `#[derive(AggregateId)]` on a struct of one value, as in `pub struct AccountId(Uuid);`"
)]
pub trait AggregateId:
    Clone + fmt::Debug + fmt::Display + Eq + FromStr<Err = InvalidId> + Hash + Send + Sync + 'static
{
    /// What the identifier holds.
    type Value: IdValue;

    /// The first part of the stream's name, before the first `-`.
    const CATEGORY: &'static str;

    /// Wraps a value.
    fn from_value(value: Self::Value) -> Self;

    /// The value inside.
    fn value(&self) -> &Self::Value;

    /// Makes a new, unique identifier.
    #[must_use]
    fn new() -> Self
    where
        Self::Value: GeneratedValue,
    {
        Self::from_value(Self::Value::generate())
    }

    /// The name of the aggregate's stream: `category-value`.
    ///
    /// # Errors
    /// When the value does not fit into a stream's name: see [`StreamId::new`].
    fn stream_id(&self) -> Result<StreamId, InvalidStreamId> {
        StreamId::of(Self::CATEGORY, self.value())
    }
}

/// An identifier that belongs to one type of aggregate, so that commands find it by their id.
///
/// `#[derive(Aggregate)]` writes this for the aggregate's id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to no aggregate",
    note = "write `#[aggregate(id = {Self}, …)]` on the aggregate, or name it in `#[command(aggregate = SomeAggregate)]`"
)]
pub trait Identifies: AggregateId {
    /// The aggregate that it identifies.
    type Aggregate: crate::aggregate::Aggregate<Id = Self>;
}

/// A text that is not an identifier of the asked type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a valid {id_type}: {reason}")]
pub struct InvalidId {
    /// The type that was asked for.
    pub id_type: &'static str,
    /// The text that was given.
    pub text: String,
    /// What the value's own parser said.
    pub reason: String,
}
