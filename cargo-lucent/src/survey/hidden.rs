//! Annotated functions in macro calls, which no scan can see.
//!
//! Invariant: only tokens are looked at; `macro_rules!` itself is a pattern, and no call.

use super::Source;
use crate::diagnostic::{Code, Diagnostic, Place};

/// Annotated functions in the tokens of a macro call: the registry does not see them.
pub(super) fn hidden(source: &Source, item: &syn::ItemMacro) -> Option<Diagnostic> {
    if item.mac.path.is_ident("macro_rules") {
        return None;
    }
    let attribute = annotation(item.mac.tokens.clone())?;
    let name = item.mac.path.segments.last()?.ident.to_string();
    let place = Place::of(&source.file.shown, attribute.span());
    Some(
        Diagnostic::error(
            Code::IN_MACRO,
            format!("a function with `#[{attribute}]` stands inside of `{name}!`"),
        )
        .at(place, "the registry does not see it: macros run after the scan")
        .help("move the function out of the macro")
        .help("or write the registry by hand: `lucent_core::registry! { functions: [a::place, b::ship] }`"),
    )
}

fn annotation(tokens: proc_macro2::TokenStream) -> Option<proc_macro2::Ident> {
    use proc_macro2::TokenTree;
    let mut hash = false;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => {
                hash = punct.as_char() == '#';
                continue;
            }
            TokenTree::Group(group) => {
                if hash && let Some(TokenTree::Ident(ident)) = last_of_path(&group) {
                    return Some(ident);
                }
                if let Some(found) = annotation(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
        hash = false;
    }
    None
}

/// The attribute's name, if it is one of Lucent's.
fn last_of_path(group: &proc_macro2::Group) -> Option<proc_macro2::TokenTree> {
    use proc_macro2::TokenTree;
    let path = group.stream().into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    path.filter(|token| matches!(token, TokenTree::Ident(_)))
        .last()
        .filter(|token| lucent_syntax::FunctionKind::from_attribute(&token.to_string()).is_some())
}
