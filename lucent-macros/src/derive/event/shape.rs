//! One type of event: its stored name, its versions and its tags.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::Span;
use syn::{Fields, Ident, Index, Lit, Member, Meta, Type, spanned::Spanned as _};

use crate::{errors::Errors, input};

/// A variant, or a struct.
pub(super) struct Shape {
    pub(super) ident: Ident,
    pub(super) name: String,
    /// Where the name stands.
    pub(super) name_span: Span,
    pub(super) version: u32,
    /// The shapes of versions 1 to `version - 1`.
    pub(super) old: Vec<Type>,
    pub(super) tags: Vec<TagField>,
}

/// A field with `#[tag]`.
pub(super) struct TagField {
    pub(super) member: Member,
    pub(super) key: String,
    pub(super) ty: Type,
}

impl Shape {
    pub(super) fn new(
        ident: &Ident,
        arguments: &Arguments,
        tags: Vec<TagField>,
        errors: &mut Errors,
    ) -> Self {
        let name = input::text(arguments, "name", errors);
        let (name, name_span) = match name {
            Some(literal) => (literal.value(), literal.span()),
            None => (input::plain(ident), ident.span()),
        };
        let version = match arguments.find("version") {
            Some(_) => input::number(arguments, "version", 2, errors),
            None => Some(1),
        };
        let old = old_shapes(arguments, errors);
        if let (Some(version), Some(old)) = (version, &old) {
            check_versions(arguments, version, old.len(), errors);
        }
        Self {
            ident: ident.clone(),
            name,
            name_span,
            version: version.unwrap_or(1),
            old: old.unwrap_or_default(),
            tags,
        }
    }
}

/// The types of `upcast(from = …)`; `None` after a mistake.
fn old_shapes(arguments: &Arguments, errors: &mut Errors) -> Option<Vec<Type>> {
    const EXAMPLE: &str = "write `upcast(from = OldShape)` or `upcast(from = [V1, V2])`";
    let Some(argument) = arguments.find("upcast") else {
        return Some(Vec::new());
    };
    let ArgumentValue::List(inner) = &argument.value else {
        errors.at(argument.value_span(), format!("`upcast` takes a list: {EXAMPLE}"));
        return None;
    };
    inner.check_keys("upcast", &["from"], errors.list());
    let Some(from) = inner.find("from") else {
        errors.at(argument.key.span(), format!("`upcast` does not say from what: {EXAMPLE}"));
        return None;
    };
    Some(input::types(from, errors)).filter(|types| !types.is_empty())
}

fn check_versions(arguments: &Arguments, version: u32, old: usize, errors: &mut Errors) {
    if usize::try_from(version).is_ok_and(|version| version == old + 1) {
        return;
    }
    let needed = version - 1;
    let plural = if needed == 1 { "" } else { "s" };
    match (arguments.find("version"), arguments.find("upcast")) {
        (None, Some(upcast)) => errors.at(
            upcast.key.span(),
            format!(
                "the older shapes make this version {0}: write `version = {0}`",
                old + 1
            ),
        ),
        (Some(argument), Some(_)) => errors.at(
            argument.value_span(),
            format!(
                "version {version} needs {needed} older shape{plural} and has {old}: list one type per version from 1 to {needed}, oldest first"
            ),
        ),
        (Some(argument), None) => {
            let example = match needed {
                1 => "upcast(from = OldShape)".to_owned(),
                _ => format!("upcast(from = [{}])", (1..=needed.min(9)).map(|i| format!("V{i}")).collect::<Vec<_>>().join(", ")),
            };
            errors.at(
                argument.value_span(),
                format!("version {version} needs {needed} older shape{plural}, so that stored events stay readable: write `{example}`"),
            );
        }
        (None, None) => {}
    }
}

/// The fields with `#[tag]` or `#[tag("key")]`.
pub(super) fn tags_of(fields: &Fields, errors: &mut Errors) -> Vec<TagField> {
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
            let member = field.ident.clone().map_or_else(
                || {
                    let index = u32::try_from(index).unwrap_or(u32::MAX);
                    Member::Unnamed(Index { index, span: Span::mixed_site() })
                },
                Member::Named,
            );
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
