//! A parameter: a type, by value or by reference.

use syn::{Ident, Token, Type};

use crate::{errors::Errors, input};

/// A parameter's type, apart from its reference.
pub(super) struct Parameter {
    /// The whole type, as written.
    pub(super) whole: Type,
    /// The type behind the reference, or the whole type.
    pub(super) ty: Type,
    pub(super) passing: Passing,
}

/// How a parameter is passed.
pub(super) enum Passing {
    Value,
    Reference,
    Mutable(Token![mut]),
}

impl Parameter {
    pub(super) fn new(whole: Type) -> Self {
        let (ty, passing) = match inner(&whole) {
            Type::Reference(reference) => (
                (*reference.elem).clone(),
                reference.mutability.map_or(Passing::Reference, Passing::Mutable),
            ),
            other => (other.clone(), Passing::Value),
        };
        Self { whole, ty, passing }
    }

    pub(super) fn last_segment(&self) -> Option<&Ident> {
        input::last_segment(&self.ty)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.last_segment().is_some_and(|last| last == name)
    }

    /// The type's name for messages and examples.
    pub(super) fn name(&self) -> String {
        self.last_segment().map_or_else(|| "T".to_owned(), ToString::to_string)
    }

    /// Reports a parameter that is not `&T`; `why` completes "…: write `&T`".
    pub(super) fn expect_reference(&self, why: &str, errors: &mut Errors) {
        let name = self.name();
        match &self.passing {
            Passing::Reference => {}
            Passing::Mutable(keyword) => {
                errors.on(keyword, format!("{why}: write `&{name}`"));
            }
            Passing::Value => errors.on(&self.whole, format!("{why}: write `&{name}`")),
        }
    }
}

/// The type inside the invisible groups and parentheses around it.
fn inner(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => inner(&group.elem),
        Type::Paren(paren) => inner(&paren.elem),
        other => other,
    }
}
