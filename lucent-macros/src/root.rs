//! The paths that expansions name things by.
//!
//! Invariant: an expansion names nothing that the user's code could shadow.

use std::sync::OnceLock;

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use crate::errors::Errors;

/// The path of lucent-core: `crate = path` of the attribute, else what build.rs says, else
/// `::lucent_core`.
#[derive(Clone)]
pub(crate) struct Root(TokenStream);

impl Root {
    pub(crate) fn new(arguments: &Arguments, errors: &mut Errors) -> Self {
        let Some(argument) = arguments.find("crate") else {
            return Self::default();
        };
        match &argument.value {
            ArgumentValue::Value(path) if matches!(**path, syn::Expr::Path(_)) => {
                Self(path.to_token_stream())
            }
            _ => {
                errors.at(
                    argument.value_span(),
                    "`crate` takes a path: write `crate = ::lucent_core`",
                );
                Self::default()
            }
        }
    }

    /// Whether the path is `::lucent_core`, unless the attribute has another one.
    pub(crate) fn is_usual() -> bool {
        named().is_none()
    }

    /// The same path at another place, so that the compiler reports it there.
    pub(crate) fn at(&self, span: Span) -> Self {
        let tokens = self.0.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        Self(tokens.collect())
    }

    /// The module of names for expansions, at the path's own place.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        let Self(path) = self.at(span);
        quote_spanned!(span=> #path::__private)
    }

    /// The module of names for expansions.
    pub(crate) fn private(&self) -> TokenStream {
        let Self(path) = self;
        quote!(#path::__private)
    }
}

impl Default for Root {
    fn default() -> Self {
        let path = named().and_then(|path| path.parse::<TokenStream>().ok());
        Self(path.unwrap_or_else(|| quote!(::lucent_core)))
    }
}

/// The path that build.rs says, unless it is the usual one.
fn named() -> Option<&'static str> {
    // A compiler's environment stays what it is, and there are thousands of functions.
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    let named = NAMED.get_or_init(|| {
        let named = std::env::var("LUCENT_CORE").ok();
        named.filter(|path| path != "::lucent_core")
    });
    named.as_deref()
}

impl ToTokens for Root {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// Where locals of an expansion live: out of reach of the user's names.
pub(crate) fn mixed() -> Span {
    Span::mixed_site()
}

/// The place of some tokens, with locals out of reach of the user's names.
pub(crate) fn at(tokens: &impl ToTokens) -> Span {
    use syn::spanned::Spanned as _;
    tokens.span().resolved_at(Span::mixed_site())
}
