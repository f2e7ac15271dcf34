//! Fields with `#[tag]`: of events, of decision models and of commands.
//!
//! Invariant: a key means the same in all three.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Fields, Index, Lit, Member, Meta, Type, spanned::Spanned as _};

use crate::{
    errors::Errors,
    input,
    root::{Root, mixed},
};

/// A field with `#[tag]`.
pub(crate) struct TagField {
    pub(crate) member: Member,
    pub(crate) key: String,
    pub(crate) ty: Type,
}

/// The fields with `#[tag]` or `#[tag("key")]`.
pub(crate) fn tags_of(fields: &Fields, errors: &mut Errors) -> Vec<TagField> {
    let mut tags = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        for mark in field.attrs.iter().filter(|mark| mark.path().is_ident("tag")) {
            let key = match (&mark.meta, &field.ident) {
                (Meta::Path(_), Some(ident)) => Some(input::plain(ident)),
                (Meta::Path(_), None) => {
                    errors.on(mark, "a field without a name needs a key: write `#[tag(\"key\")]`");
                    None
                }
                (meta, _) => key_of(meta, errors),
            };
            let Some(key) = key else { continue };
            let member = member_of(field, index);
            tags.push(TagField { member, key, ty: field.ty.clone() });
        }
    }
    tags
}

fn key_of(meta: &Meta, errors: &mut Errors) -> Option<String> {
    const EXAMPLE: &str = "write `#[tag]` or `#[tag(\"key\")]`";
    let literal = match meta {
        Meta::List(list) => syn::parse2::<Lit>(list.tokens.clone()).ok(),
        Meta::Path(_) | Meta::NameValue(_) => None,
    };
    match literal {
        Some(Lit::Str(key)) if !key.value().is_empty() && !key.value().contains(':') => {
            Some(key.value())
        }
        Some(Lit::Str(key)) => {
            errors.at(key.span(), "a tag's key is a text without `:` that is not empty");
            None
        }
        _ => {
            errors.at(meta.span(), format!("a tag takes one key: {EXAMPLE}"));
            None
        }
    }
}

/// A field, by its name or number.
pub(crate) fn member_of(field: &syn::Field, index: usize) -> Member {
    field.ident.clone().map_or_else(
        || {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            Member::Unnamed(Index { index, span: Span::mixed_site() })
        },
        Member::Named,
    )
}

/// Reports and drops a key that an earlier field has; `of` is what the fields belong to.
pub(crate) fn refuse_repeated_keys(tags: &mut Vec<TagField>, of: &str, errors: &mut Errors) {
    let mut known = Vec::with_capacity(tags.len());
    tags.retain(|TagField { key, ty, .. }| {
        if known.contains(key) {
            let message =
                format!("{of} has one field per key, and `{key}` has one: remove a `#[tag]`");
            errors.on(ty, message);
            return false;
        }
        known.push(key.clone());
        true
    });
}

/// The type that stands for a key.
pub(crate) fn key_type(root: &Root, key: &str) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let unit = quote_spanned!(mixed=> ());
    key.as_bytes().chunks(16).rev().fold(unit, |rest, chunk| {
        let text = chunk.iter().fold(0_u128, |text, byte| text << 8 | u128::from(*byte));
        quote_spanned!(mixed=> #p::TagKey<#text, #rest>)
    })
}
