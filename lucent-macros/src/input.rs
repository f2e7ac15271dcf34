//! Reading the values of arguments.
//!
//! Invariant: a value of the wrong kind is a mistake on that value, with an example of a right one.

use lucent_syntax::{Argument, ArgumentValue, Arguments};
use quote::ToTokens as _;
use syn::{Attribute, Ident, Lit, LitStr, Type};

use crate::errors::Errors;

/// The arguments of every attribute of this name.
pub(crate) fn arguments_of(
    attributes: &[Attribute],
    name: &str,
    known: &[&str],
    errors: &mut Errors,
) -> Arguments {
    let all = merged(attributes, name, errors);
    all.check_keys(&format!("#[{name}]"), known, errors.list());
    all
}

/// The arguments of every attribute of this name, with keys that nobody has checked.
pub(crate) fn merged(attributes: &[Attribute], name: &str, errors: &mut Errors) -> Arguments {
    let mut all = Arguments::default();
    let named = attributes.iter().filter(|found| found.path().is_ident(name));
    for attribute in named {
        if let Some(arguments) = errors.take(Arguments::parse_attribute(attribute)) {
            all.append(arguments);
        }
    }
    all
}

/// A text that is not empty.
pub(crate) fn text(arguments: &Arguments, key: &str, errors: &mut Errors) -> Option<LitStr> {
    let argument = arguments.find(key)?;
    match argument.literal() {
        Some(Lit::Str(text)) if !text.value().is_empty() => Some(text.clone()),
        Some(Lit::Str(text)) => {
            errors.at(text.span(), format!("`{key}` cannot be empty"));
            None
        }
        _ => {
            let message = format!("`{key}` takes a text: write `{key} = \"…\"`");
            errors.at(argument.value_span(), message);
            None
        }
    }
}

/// A whole number from 1.
pub(crate) fn number(
    arguments: &Arguments,
    key: &str,
    example: u32,
    errors: &mut Errors,
) -> Option<u32> {
    let argument = arguments.find(key)?;
    let number = match argument.literal() {
        Some(Lit::Int(literal)) => literal.base10_parse::<u32>().ok(),
        _ => None,
    };
    let number = number.filter(|number| *number > 0);
    if number.is_none() {
        let message = format!("`{key}` takes a whole number from 1: write `{key} = {example}`");
        errors.at(argument.value_span(), message);
    }
    number
}

/// A type.
pub(crate) fn ty(
    arguments: &Arguments,
    key: &str,
    example: &str,
    errors: &mut Errors,
) -> Option<Type> {
    let argument = arguments.find(key)?;
    let found = match &argument.value {
        ArgumentValue::Value(value) => syn::parse2(value.to_token_stream()).ok(),
        _ => None,
    };
    if found.is_none() {
        let message = format!("`{key}` takes a type: write `{key} = {example}`");
        errors.at(argument.value_span(), message);
    }
    found
}

/// One or several types: `from = V1` or `from = [V1, V2]`.
pub(crate) fn types(argument: &Argument, errors: &mut Errors) -> Vec<Type> {
    let values = match &argument.value {
        ArgumentValue::Value(value) => match &**value {
            syn::Expr::Array(array) => array.elems.iter().cloned().collect(),
            other => vec![other.clone()],
        },
        _ => Vec::new(),
    };
    let key = &argument.key;
    let message = format!("`{key}` takes types: write `{key} = OldShape` or `{key} = [V1, V2]`");
    if values.is_empty() {
        errors.at(argument.value_span(), &message);
    }
    let mut types = Vec::with_capacity(values.len());
    for value in values {
        match syn::parse2(value.to_token_stream()) {
            Ok(ty) => types.push(ty),
            Err(_) => errors.on(value, &message),
        }
    }
    types
}

/// Whether a key stands alone: `inline`.
pub(crate) fn flag(arguments: &Arguments, key: &str, errors: &mut Errors) -> bool {
    match arguments.find(key) {
        None => false,
        Some(Argument { value: ArgumentValue::Flag, .. }) => true,
        Some(argument) => {
            let message = format!("`{key}` takes no value: write `{key}` alone");
            errors.at(argument.value_span(), message);
            true
        }
    }
}

/// The identifier as a name: `r#move` is `move`.
pub(crate) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

/// The last segment of a type's path, if the type is a path.
pub(crate) fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Where `impl Trait` is written in some tokens, if it is.
pub(crate) fn impl_keyword(tokens: &impl quote::ToTokens) -> Option<proc_macro2::Span> {
    fn find(tokens: proc_macro2::TokenStream) -> Option<proc_macro2::Span> {
        tokens.into_iter().find_map(|token| match token {
            proc_macro2::TokenTree::Ident(ident) if ident == "impl" => Some(ident.span()),
            proc_macro2::TokenTree::Group(group) => find(group.stream()),
            _ => None,
        })
    }
    find(tokens.to_token_stream())
}

/// Reports type, const and lifetime parameters where there may be none.
pub(crate) fn refuse_generics(generics: &syn::Generics, why: &str, errors: &mut Errors) {
    if let (false, Some(first)) = (generics.params.is_empty(), generics.params.first()) {
        let span = match first {
            syn::GenericParam::Type(parameter) => parameter.ident.span(),
            syn::GenericParam::Const(parameter) => parameter.ident.span(),
            syn::GenericParam::Lifetime(parameter) => parameter.lifetime.span(),
        };
        errors.at(span, why);
    }
}
