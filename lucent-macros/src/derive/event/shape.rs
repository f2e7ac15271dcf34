//! One type of event: its stored name, its versions and its tags.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::Span;
use syn::{Ident, Type};

use crate::{derive::tag::TagField, errors::Errors, input};

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
