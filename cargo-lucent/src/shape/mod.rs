//! What a value of a type looks like when it is stored or sent.
//!
//! Invariant: a shape is what serde makes of a type, as far as the source says it: names as they
//! are written, skipped fields gone, the types of the workspace spelled out. What the source does
//! not say, such as the shape of another crate's type, is that type's name.

mod print;
mod read;
mod schema;
mod serde;

pub(crate) use read::Reader;
pub(crate) use schema::json_schema;

/// The shape of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// A type that is not looked into: `u64`, `Uuid`, `Vec<…>`, with its arguments.
    Plain { name: String, arguments: Vec<Self> },
    /// `(A, B)`.
    Tuple(Vec<Self>),
    /// A type of the workspace, spelled out.
    Named { name: String, body: Body },
    /// A type of the workspace that is being spelled out around here.
    Again(String),
}

/// What a struct, a variant or an enum consists of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Body {
    Unit,
    Tuple(Vec<Field>),
    Struct(Vec<Field>),
    Enum {
        variants: Vec<(String, Self)>,
        /// How the variant is told, where that is not serde's default: `tag = "type"`.
        tagging: String,
    },
}

/// A field as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Field {
    /// Empty in a tuple.
    pub(crate) name: String,
    /// Whether a value without it can be read.
    pub(crate) optional: bool,
    /// What serde does besides: `with = money`.
    pub(crate) notes: Vec<String>,
    pub(crate) shape: Shape,
}
