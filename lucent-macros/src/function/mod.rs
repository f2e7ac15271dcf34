//! The attributes of functions.
//!
//! Invariant: the function is emitted unchanged and first; what is added beside it calls it.

mod command_handler;
mod event_handler;
mod listing;
mod parameter;
mod projector;
mod query_handler;
mod quick;
mod routed;
mod signature;
mod terms;
mod trigger;
mod wire;

use lucent_syntax::FunctionKind;
use proc_macro2::TokenStream;
use quote::quote;

use self::signature::Function;
pub(crate) use self::{
    listing::{handshake, target},
    quick::quick,
};
use crate::errors::Errors;

/// What is emitted after the function.
pub(crate) fn expand(
    kind: FunctionKind,
    arguments: &TokenStream,
    item: TokenStream,
) -> TokenStream {
    let mut errors = Errors::default();
    let Some(function) = Function::parse(kind, arguments, item, &mut errors) else {
        return quote!(#errors);
    };
    if function.is_method() {
        // Nothing else may stand in an `impl`.
        return quote!(#errors);
    }
    let impls = match kind {
        FunctionKind::CommandHandler => command_handler::expand(&function, &mut errors),
        FunctionKind::QueryHandler => query_handler::expand(&function, &mut errors),
        FunctionKind::Projector => projector::expand(&function, &mut errors),
        FunctionKind::EventHandler => event_handler::expand(&function, &mut errors),
        FunctionKind::Function => routed::expand(&function, &mut errors),
    };
    let marker = match kind {
        FunctionKind::Function => routed::marker(&function),
        _ => function.listing.marker(),
    };
    if errors.is_empty() {
        quote!(#marker #impls)
    } else {
        let broken = match kind {
            FunctionKind::Function => routed::broken(&function),
            _ => function.listing.broken(&function.root),
        };
        quote!(#errors #marker #broken #impls)
    }
}
