//! `#[evolve]`.
//!
//! Invariant: the function is a plain fold: no `async`, no generics, nothing returned.

use lucent_syntax::Arguments;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{FnArg, ItemFn, ReturnType, Signature, Type, spanned::Spanned as _};

use crate::{
    errors::Errors,
    root::{Root, at, mixed},
};

const SHAPE: &str = "write `fn name(state: &mut Aggregate, event: &Event)`";

pub(crate) fn evolve(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = errors.take(Arguments::parse_tokens(arguments)).unwrap_or_default();
    arguments.check_keys("#[evolve]", &["crate"], errors.list());
    let root = Root::new(&arguments, &mut errors);
    // A function that is wrong in itself is the compiler's to report.
    let Ok(function) = syn::parse2::<ItemFn>(item) else { return quote!(#errors) };
    let cfgs = function.attrs.iter().filter(|found| found.path().is_ident("cfg"));
    check(&function.sig, &mut errors);
    let Some((state, event)) = roles(&function.sig, &mut errors) else {
        return quote!(#errors);
    };
    if !errors.is_empty() {
        return quote!(#errors);
    }
    let ident = &function.sig.ident;
    let (state_at, event_at) = (at(state), at(event));
    let header = {
        let root = root.at(state_at);
        quote_spanned!(state_at=> impl #root::Evolve for #state)
    };
    let pass_state = quote_spanned!(state_at=> self);
    let parameter = quote_spanned!(event_at=> event: &#event);
    let pass_event = quote_spanned!(event_at=> event);
    quote_spanned! {mixed()=>
        #(#cfgs)*
        #[automatically_derived]
        #header {
            fn evolve(&mut self, #parameter) {
                #ident(#pass_state, #pass_event)
            }
        }
    }
}

fn check(signature: &Signature, errors: &mut Errors) {
    if let Some(asyncness) = &signature.asyncness {
        errors.at(asyncness.span(), "a fold is pure: remove `async`");
    }
    if !signature.generics.params.is_empty() {
        errors.on(&signature.generics, "a fold is about one aggregate: remove the generics");
    }
    if let ReturnType::Type(_, returned) = &signature.output {
        errors.on(returned, "a fold cannot refuse: what happened, happened; return nothing");
    }
}

/// The types behind `&mut State` and `&Event`.
fn roles<'a>(signature: &'a Signature, errors: &mut Errors) -> Option<(&'a Type, &'a Type)> {
    let mut types = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed.ty.as_ref()),
        FnArg::Receiver(_) => None,
    });
    let (state, event) = (types.next(), types.next());
    let (Some(state), Some(event), None) = (state, event, types.next()) else {
        errors.at(signature.ident.span(), format!("a fold takes a state and an event: {SHAPE}"));
        return None;
    };
    match (state, event) {
        (Type::Reference(state), Type::Reference(event))
            if state.mutability.is_some() && event.mutability.is_none() =>
        {
            Some((&state.elem, &event.elem))
        }
        (Type::Reference(state), wrong) if state.mutability.is_some() => {
            errors.on(wrong, format!("the event is passed by `&`: {SHAPE}"));
            None
        }
        (wrong, _) => {
            errors.on(wrong, format!("the state is passed by `&mut`: {SHAPE}"));
            None
        }
    }
}
