//! The grammar that Lucent's macros and its code generator share.
//!
//! Invariant: a function seen by the scanner and by the compiler yields the same
//! [`registry_name`] and [`fingerprint`], so that the registry handshake compares like with like. This crate is
//! internal: it promises no stability.

mod arguments;
mod fingerprint;
mod kind;
mod name;
mod quantity;

pub use arguments::{Argument, ArgumentValue, Arguments};
pub use fingerprint::{Fingerprint, fingerprint};
pub use kind::FunctionKind;
pub use name::{registry_ident, registry_name, snake_case, variant_ident};
pub use quantity::{parse_bytes, parse_duration};
