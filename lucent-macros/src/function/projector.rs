//! `#[projector]`.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Lit};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
};
use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

/// The parameters by their meaning.
struct Roles<'a> {
    view: &'a Parameter,
    event: &'a Parameter,
    at: bool,
}

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { root, listing, arguments, .. } = function;
    let p = root.private();
    let mixed = mixed();
    let ident = &function.signature.ident;
    let version = version(function, errors);
    let name = name(function, errors);
    let consistency = consistency(function, errors);
    let partitions = partitions(arguments, errors);
    let keys = keys(root, arguments, errors);
    let unread_keys = unread_keys(root, arguments);
    let Some(roles) = roles(function, errors) else {
        return TokenStream::new();
    };
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let (view, event) = (&roles.view.ty, &roles.event.ty);
    let cfgs = listing.cfgs();
    let home = listing.home();
    let of = at(view);
    let header = {
        let root = root.at(of);
        quote_spanned!(of=> impl #root::Projected for #view)
    };
    let view_type = quote_spanned!(of=> type View = #view;);
    let event_at = at(event);
    let event_type = quote_spanned!(event_at=> type Event = #event;);
    let pass_view = quote_spanned!(of=> view);
    let pass_event = quote_spanned!(event_at=> event);
    let pass_at = roles.at.then(|| quote_spanned!(mixed=> , at));
    let unused = (!roles.at).then(|| quote_spanned!(mixed=> let _ = at;));
    let place = at(&function.output());
    let output = function.output();
    let kept = {
        let p = root.private_at(place);
        quote_spanned!(place=> #p::kept::<#output>(#ident(#pass_view, #pass_event #pass_at)))
    };
    // It is as private as the types that it names, which no visibility of its own could be.
    let projector = quote_spanned!(mixed=> __LucentProjector<#view, #event>);
    let listed = listing.listed_as(
        root,
        &quote_spanned!(mixed=> projector_function::<#projector>),
        &quote!(),
    );
    quote_spanned! {mixed=>
        #cfgs
        const _: () = {
            #[doc(hidden)]
            #[allow(missing_debug_implementations, unreachable_pub)]
            pub struct __LucentProjector<View, Event>(#p::std::marker::PhantomData<fn(View, Event)>);
            #[automatically_derived]
            impl #root::Projector for #projector {
                #view_type
                #event_type
                const NAME: &'static str = #name;
                const VERSION: u32 = #version;
                const CONSISTENCY: #root::Consistency = #root::Consistency::#consistency;
                #partitions
                fn keys(
                    event: &Self::Event,
                    at: &#root::RecordedEvent,
                ) -> #p::Vec<#root::store::DocumentKey> {
                    #keys
                }
                #unread_keys
                fn project(
                    view: &mut Self::View,
                    event: &Self::Event,
                    at: &#root::RecordedEvent,
                ) -> #p::Result<#root::Keep, #p::Box<dyn #p::std::error::Error + #p::std::marker::Send + #p::std::marker::Sync>> {
                    #unused
                    #kept
                }
            }
            #[automatically_derived]
            #header {
                type Home = #home;
                type Projector = #projector;
            }
            #listed
        };
    }
}

/// The durable name, which this attribute needs.
pub(super) fn name(function: &Function, errors: &mut Errors) -> String {
    let arguments = &function.arguments;
    let ident = &function.signature.ident;
    if arguments.find("name").is_none() {
        errors.at(
            ident.span(),
            format!("`{ident}` has no durable name: write `name = \"{}\"`", input::plain(ident)),
        );
    }
    // Mistakes in it are reported with the function.
    arguments.string("name").unwrap_or_default()
}

fn version(function: &Function, errors: &mut Errors) -> u32 {
    let arguments = &function.arguments;
    let ident = &function.signature.ident;
    if arguments.find("version").is_none() {
        let message = format!(
            "`{ident}` has no version: write `version = 1`, and raise it to rebuild the read model"
        );
        errors.at(ident.span(), message);
    }
    input::number(arguments, "version", 1, errors).unwrap_or(1)
}

fn consistency(function: &Function, errors: &mut Errors) -> syn::Ident {
    let arguments = &function.arguments;
    let inline = input::flag(arguments, "inline", errors);
    let live = input::flag(arguments, "live", errors);
    let word = match (inline, live) {
        (true, true) => {
            if let Some(live) = arguments.find("live") {
                errors.at(
                    live.key.span(),
                    "a projector is `inline` or `live`: remove one of the two",
                );
            }
            "Inline"
        }
        (true, false) => "Inline",
        (false, true) => "Live",
        (false, false) => "Async",
    };
    syn::Ident::new(word, mixed())
}

/// Into how many partitions its documents are divided, if it says so.
fn partitions(arguments: &Arguments, errors: &mut Errors) -> Option<TokenStream> {
    let number = number_of_partitions(arguments, "a projector", errors)?;
    for word in ["inline", "live"] {
        if arguments.find(word).is_some() {
            let message = format!(
                "a projector that is `{word}` has no partitions to share: remove one of the two"
            );
            errors.at(arguments.find("partitions")?.key.span(), message);
        }
    }
    Some(number)
}

/// The number of partitions, if there is one; `whose` begins a sentence.
pub(super) fn number_of_partitions(
    arguments: &Arguments,
    whose: &str,
    errors: &mut Errors,
) -> Option<TokenStream> {
    const MOST: u32 = 1_024;
    let argument = arguments.find("partitions")?;
    let count = input::number(arguments, "partitions", 8, errors)?;
    if count > MOST {
        errors.at(argument.value_span(), format!("{whose} has at most {MOST} partitions"));
    }
    Some(quote_spanned!(mixed()=> const PARTITIONS: u32 = #count;))
}

fn keys(root: &Root, arguments: &Arguments, errors: &mut Errors) -> TokenStream {
    const EXAMPLE: &str = "write `key = function`, where `fn function(event: &Event)` returns a text, an id, or an `Option` or a `Vec` of these, or write `key = \"…\"` for one document";
    let p = root.private();
    let mixed = mixed();
    let Some(argument) = arguments.find("key") else {
        return quote_spanned!(mixed=> let _ = event; #p::stream_key(at));
    };
    let ArgumentValue::Value(value) = &argument.value else {
        errors.at(argument.value_span(), format!("`key` takes a function or a text: {EXAMPLE}"));
        return TokenStream::new();
    };
    let place = at(value);
    let p = root.private_at(place);
    match &**value {
        Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
            quote_spanned!(place=> let _ = (event, at); #p::keys_of(#value))
        }
        Expr::Path(_) => quote_spanned!(place=> let _ = at; #p::keys_of(#value(event))),
        other => {
            errors.on(other, format!("`key` takes a function or a text: {EXAMPLE}"));
            TokenStream::new()
        }
    }
}

/// The documents of an event that cannot be read, where the key does not depend on what is in it.
fn unread_keys(root: &Root, arguments: &Arguments) -> Option<TokenStream> {
    let p = root.private();
    let mixed = mixed();
    let keys = match arguments.find("key").map(|argument| &argument.value) {
        None => quote_spanned!(mixed=> #p::stream_key(at)),
        Some(ArgumentValue::Value(value)) if matches!(**value, Expr::Lit(_)) => {
            quote_spanned!(mixed=> { let _ = at; #p::keys_of(#value) })
        }
        Some(_) => return None,
    };
    Some(quote_spanned! {mixed=>
        fn unread_keys(
            at: &#root::RecordedEvent,
        ) -> #p::Option<#p::Vec<#root::store::DocumentKey>> {
            #p::Option::Some(#keys)
        }
    })
}

fn roles<'a>(function: &'a Function, errors: &mut Errors) -> Option<Roles<'a>> {
    let ident = &function.signature.ident;
    let (view, event, at) = match &function.parameters[..] {
        [view, event] => (view, event, false),
        [view, event, at] => {
            at.expect_reference("the event's place comes by reference", errors);
            if !at.is("RecordedEvent") {
                errors.on(&at.whole, "the third parameter of a projector is `at: &RecordedEvent`");
            }
            (view, event, true)
        }
        [_, _, _, extra, ..] => {
            errors.on(&extra.whole, "a projector takes the read model, the event and `at: &RecordedEvent`, and nothing else: it is pure");
            return None;
        }
        [] | [_] => {
            errors.at(ident.span(), format!("`{ident}` folds no event into a read model: write `fn {ident}(view: &mut SomeReadModel, event: &SomeEvent)`"));
            return None;
        }
    };
    if !matches!(view.passing, Passing::Mutable(_)) {
        let name = view.name();
        errors.on(&view.whole, format!("a projector changes its read model: write `&mut {name}`"));
    }
    event.expect_reference("a projector reads the event", errors);
    Some(Roles { view, event, at })
}
