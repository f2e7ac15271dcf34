//! `#[event_handler]`.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::{
    projector,
    query_handler::{Injected, asked_for},
    signature::Function,
};
use crate::{
    errors::Errors,
    input,
    root::{at, mixed},
};

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { root, listing, arguments, .. } = function;
    let name = projector::name(function, errors);
    let partitions = projector::number_of_partitions(arguments, "an event handler", errors);
    let checkpoint = checkpoint(arguments, errors);
    let ident = &function.signature.ident;
    let Some((event, rest)) = function.parameters.split_first() else {
        errors.at(
            ident.span(),
            format!("`{ident}` reacts to no event: write `fn {ident}(event: &SomeEvent, …)`"),
        );
        return TokenStream::new();
    };
    event.expect_reference("an event handler reads the event", errors);
    let (takes_place, rest) = match rest.split_first() {
        Some((place, rest)) if place.is("RecordedEvent") => {
            place.expect_reference("the event's place comes by reference", errors);
            (true, rest)
        }
        _ => (false, rest),
    };
    let asked = asked_for(rest, errors);
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let p = root.private();
    let mixed = mixed();
    let injected = Injected::new(root, asked);
    let (inject, pass, checks) = (injected.inject(), injected.pass(), injected.checks());
    let cfgs = listing.cfgs();
    let event = &event.ty;
    let event_at = at(event);
    let event_type = quote_spanned!(event_at=> type Event = #event;);
    let pass_event = quote_spanned!(event_at=> event,);
    let pass_at = takes_place.then(|| quote_spanned!(mixed=> at,));
    let unused = (!takes_place).then(|| quote_spanned!(mixed=> let _ = at;));
    let place = at(&function.output());
    let output = function.output();
    let outcome = {
        let root = root.at(place);
        quote_spanned!(place=> <#output as #root::HandlerOutcome>::into_outcome)
    };
    let wait = function.signature.asyncness.map(|keyword| {
        let at = keyword.span().resolved_at(mixed);
        quote_spanned!(at=> .await)
    });
    let listed = listing.listed_as(
        root,
        &quote_spanned!(mixed=> event_handler_function::<__LucentReaction>),
        &quote!(),
    );
    quote_spanned! {mixed=>
        #cfgs
        const _: () = {
            struct __LucentReaction;
            #[automatically_derived]
            impl #root::Reaction for __LucentReaction {
                #event_type
                const NAME: &'static str = #name;
                #partitions
                #checkpoint
                fn check(shell: &#root::Shell) -> #p::Result<(), #root::MissingResource> {
                    (#checks)(shell)
                }
                async fn react(
                    event: &Self::Event,
                    at: &#root::RecordedEvent,
                    shell: &#root::Shell,
                ) -> #p::Result<(), #root::HandlerFault> {
                    #unused
                    #inject
                    #outcome(#ident(#pass_event #pass_at #pass) #wait)
                }
            }
            #listed
        };
    }
}

/// After how many events its checkpoint is committed, if it says so.
fn checkpoint(arguments: &Arguments, errors: &mut Errors) -> Option<TokenStream> {
    const EXAMPLE: &str = "write `checkpoint(every = 1)`";
    let argument = arguments.find("checkpoint")?;
    let ArgumentValue::List(inner) = &argument.value else {
        errors.at(argument.value_span(), format!("`checkpoint` takes a list: {EXAMPLE}"));
        return None;
    };
    inner.check_keys("checkpoint", &["every"], errors.list());
    if inner.find("every").is_none() {
        let message = format!("`checkpoint` does not say after how many events: {EXAMPLE}");
        errors.at(argument.key.span(), message);
    }
    let every = input::number(inner, "every", 1, errors)?;
    Some(quote_spanned!(mixed()=> const CHECKPOINT_EVERY: u32 = #every;))
}
