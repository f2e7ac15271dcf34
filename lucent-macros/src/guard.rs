//! The edge between the compiler and the macros.
//!
//! Invariant: no macro panics towards the compiler, and an attribute gives its item back unchanged
//! and first, whatever else happens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lucent_syntax::FunctionKind;
use proc_macro2::{Span, TokenStream};
use syn::DeriveInput;

use crate::function::quick;

pub(crate) fn derive(
    input: proc_macro::TokenStream,
    expand: fn(&DeriveInput) -> TokenStream,
) -> proc_macro::TokenStream {
    let expanded = match syn::parse::<DeriveInput>(input) {
        Ok(input) => guarded(|| expand(&input)),
        Err(error) => error.to_compile_error(),
    };
    expanded.into()
}

pub(crate) fn attribute(
    kind: FunctionKind,
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    if kind == FunctionKind::Function
        && let Ok(Some(more)) = catch_unwind(AssertUnwindSafe(|| quick(&arguments, &item)))
    {
        let mut expanded = item;
        expanded.extend(more);
        return expanded;
    }
    let (arguments, item) = (TokenStream::from(arguments), TokenStream::from(item));
    let mut expanded = item.clone();
    expanded.extend(guarded(|| crate::function::expand(kind, &arguments, item)));
    expanded.into()
}

pub(crate) fn plain_attribute(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
    expand: fn(TokenStream, TokenStream) -> TokenStream,
) -> proc_macro::TokenStream {
    let (arguments, item) = (TokenStream::from(arguments), TokenStream::from(item));
    let mut expanded = item.clone();
    expanded.extend(guarded(|| expand(arguments, item)));
    expanded.into()
}

pub(crate) fn function(
    input: proc_macro::TokenStream,
    expand: fn(TokenStream) -> TokenStream,
) -> proc_macro::TokenStream {
    guarded(|| expand(input.into())).into()
}

fn guarded(expand: impl FnOnce() -> TokenStream) -> TokenStream {
    catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|_| {
        let message = concat!(
            "lucent-macros ",
            env!("CARGO_PKG_VERSION"),
            " panicked, which is a bug of Lucent: please report it with this item at ",
            env!("CARGO_PKG_REPOSITORY")
        );
        syn::Error::new(Span::call_site(), message).to_compile_error()
    })
}
