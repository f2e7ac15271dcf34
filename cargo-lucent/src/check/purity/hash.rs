//! Which places hold hash tables, as far as declarations say.
//!
//! Invariant: a field's name counts only if every field of that name in the package is a hash
//! table; there are no types here that could tell them apart.

use std::collections::BTreeSet;

use syn::{Expr, Fields as SynFields, GenericArgument, PathArguments, Type};

use crate::survey::{Survey, TypeBody};

/// The names of fields that hold hash tables.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeSet<String>);

impl Fields {
    pub(super) fn of(survey: &Survey, package: usize) -> Self {
        let (mut hash, mut other) = (BTreeSet::new(), BTreeSet::new());
        let mut note = |fields: &SynFields| {
            for field in fields {
                if let Some(ident) = &field.ident {
                    let names = if is_hash(&field.ty) { &mut hash } else { &mut other };
                    names.insert(ident.to_string());
                }
            }
        };
        for def in survey.types.iter().filter(|def| def.package == package) {
            match &def.body {
                TypeBody::Struct(item) => note(&item.fields),
                TypeBody::Enum(item) => {
                    item.variants.iter().for_each(|variant| note(&variant.fields))
                }
                TypeBody::Alias(_) => {}
            }
        }
        Self(hash.difference(&other).cloned().collect())
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Whether a type is a hash table, or a reference to one.
pub(super) fn is_hash(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_hash(&reference.elem),
        Type::Paren(inner) => is_hash(&inner.elem),
        Type::Group(inner) => is_hash(&inner.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| is_hash_name(&last.ident)),
        _ => false,
    }
}

/// Whether an expression makes a hash table.
pub(super) fn makes_hash(expression: &Expr) -> bool {
    match expression {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                let mut segments = path.path.segments.iter().rev().skip(1);
                segments.next().is_some_and(|of| is_hash_name(&of.ident))
            }
            _ => false,
        },
        Expr::MethodCall(call) if call.method == "collect" => collects_into(call, is_hash),
        Expr::MethodCall(call) if call.method == "clone" => makes_hash(&call.receiver),
        Expr::Reference(inner) => makes_hash(&inner.expr),
        _ => false,
    }
}

/// Whether `collect::<T>()` names a type for which this holds.
pub(super) fn collects_into(call: &syn::ExprMethodCall, holds: impl Fn(&Type) -> bool) -> bool {
    call.turbofish.iter().flat_map(|list| &list.args).any(|argument| match argument {
        GenericArgument::Type(ty) => holds(ty),
        _ => false,
    })
}

/// Whether a type keeps its items in an order of its own.
pub(super) fn is_orderless(ty: &Type) -> bool {
    is_hash(ty)
        || match ty {
            Type::Path(path) => {
                path.path.segments.last().is_some_and(|last| match &last.arguments {
                    PathArguments::AngleBracketed(list)
                        if last.ident == "Result" || last.ident == "Option" =>
                    {
                        list.args.first().is_some_and(|argument| match argument {
                            GenericArgument::Type(ty) => is_orderless(ty),
                            _ => false,
                        })
                    }
                    _ => {
                        last.ident == "BTreeMap"
                            || last.ident == "BTreeSet"
                            || last.ident == "BinaryHeap"
                    }
                })
            }
            _ => false,
        }
}

fn is_hash_name(ident: &syn::Ident) -> bool {
    ["HashMap", "HashSet", "FxHashMap", "FxHashSet", "AHashMap", "AHashSet"]
        .iter()
        .any(|name| ident == name)
}
