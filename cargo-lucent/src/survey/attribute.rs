//! Attributes of items, whether written plainly or in a `cfg_attr`.

use lucent_syntax::{Argument, Arguments};
use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Expr, Lit, Meta, Token, parse::Parser as _, punctuated::Punctuated};

/// The attributes, with those inside of `cfg_attr` in its place.
pub(crate) fn metas(attributes: &[Attribute]) -> Vec<Meta> {
    attributes.iter().flat_map(|attribute| flattened(attribute.meta.clone())).collect()
}

fn flattened(meta: Meta) -> Vec<Meta> {
    match &meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            let all = parser.parse2(list.tokens.clone()).unwrap_or_default();
            all.into_iter().skip(1).flat_map(flattened).collect()
        }
        _ => vec![meta],
    }
}

/// The last segments of what is derived.
pub(super) fn derived(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    metas(attributes).into_iter().filter(|meta| meta.path().is_ident("derive")).flat_map(|meta| {
        let parser = Punctuated::<syn::Path, Token![,]>::parse_terminated;
        let paths = match meta {
            Meta::List(list) => parser.parse2(list.tokens).unwrap_or_default(),
            _ => Punctuated::new(),
        };
        paths.into_iter().filter_map(|path| Some(path.segments.last()?.ident.to_string()))
    })
}

/// The arguments of all attributes of this name.
pub(crate) fn arguments(attributes: &[Attribute], name: &str) -> Arguments {
    let mut all = Arguments::default();
    for meta in metas(attributes) {
        if let Meta::List(list) = meta
            && list.path.segments.last().is_some_and(|segment| segment.ident == name)
        {
            all.append(Arguments::parse_tokens(list.tokens).unwrap_or_default());
        }
    }
    all
}

/// The number given for a key.
pub(crate) fn number(arguments: &Arguments, key: &str) -> Option<u32> {
    match arguments.find(key).and_then(Argument::literal)? {
        Lit::Int(number) => number.base10_parse().ok(),
        _ => None,
    }
}

/// The first line of the documentation.
pub(super) fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Whether an item exists in tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.segments.last().is_some_and(|segment| segment.ident == "test"),
        Meta::List(list) if list.path.is_ident("cfg") => asks_for_test(list.tokens.clone()),
        meta => meta.path().segments.last().is_some_and(|segment| segment.ident == "test"),
    })
}

/// Whether `test` stands in a predicate, but in no `not(…)` and in no `any(…)`.
fn asks_for_test(predicate: TokenStream) -> bool {
    let mut skips = false;
    predicate.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            skips = ident == "not" || ident == "any";
            ident == "test"
        }
        TokenTree::Group(group) => !skips && asks_for_test(group.stream()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> syn::ItemStruct {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn derives_are_found_in_conditions_too() {
        let item = item(
            "#[derive(Debug, lucent_core::Event)] #[cfg_attr(x, derive(Serialize))] struct A;",
        );
        assert_eq!(derived(&item.attrs).collect::<Vec<_>>(), ["Debug", "Event", "Serialize"]);
    }

    #[test]
    fn only_what_is_for_tests_alone_counts_as_a_test() {
        for (text, expected) in [
            ("#[cfg(test)] struct A;", true),
            ("#[cfg(all(test, unix))] struct A;", true),
            ("#[tokio::test] struct A;", true),
            ("#[cfg(not(test))] struct A;", false),
            ("#[cfg(any(test, feature = \"x\"))] struct A;", false),
            ("struct A;", false),
        ] {
            assert_eq!(is_test(&item(text).attrs), expected, "{text}");
        }
    }

    #[test]
    fn arguments_of_one_name_are_joined() {
        let item = item("#[event(name = \"a\")] #[cfg_attr(x, event(version = 3))] struct A;");
        let arguments = arguments(&item.attrs, "event");
        assert_eq!(arguments.string("name").as_deref(), Some("a"));
        assert_eq!(number(&arguments, "version"), Some(3));
    }
}
