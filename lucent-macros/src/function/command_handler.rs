//! `#[command_handler]`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
};
use crate::{
    errors::Errors,
    root::{at, mixed},
};

/// The parameters by their meaning.
struct Roles<'a> {
    state: Option<&'a Parameter>,
    command: &'a Parameter,
    context: bool,
}

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Some(roles) = roles(function, errors) else {
        return TokenStream::new();
    };
    let command = &roles.command.ty;
    if !errors.is_empty() {
        return fallback(function, command);
    }
    let Function { root, listing, .. } = function;
    let output = function.output();
    let cfgs = listing.cfgs();
    let home = listing.home();
    let of = at(command);
    let header = {
        let root = root.at(of);
        quote_spanned!(of=> impl #root::Handled for #command)
    };
    let creates = roles.state.is_none();
    let call = call(function, &roles);
    let describe = quote_spanned!(of=> command_function::<#command>);
    let listed = listing.listed_as(root, &describe, &quote!());
    // What is wrong with the return type is reported there.
    let place = at(&output);
    let (root, p) = (root.at(place), root.private_at(place));
    let events = {
        let root = root.at(of);
        quote_spanned!(of=> #root::EventOf<#command>)
    };
    let decided = quote_spanned!(place=> <#output as #root::IntoDecision<#events>>);
    let body = quote_spanned! {place=>
        type Reply = #decided::Reply;
        type Refusal = #decided::Refusal;
        fn decide(
            &self,
            state: &Self::Aggregate,
            context: &#root::CommandContext,
        ) -> #p::Result<#root::Decision<#events, Self::Reply>, Self::Refusal> {
            #decided::into_decision(#call)
        }
    };
    quote_spanned! {mixed()=>
        #cfgs
        #[automatically_derived]
        #header {
            type Home = #home;
            const CREATES: bool = #creates;
            #body
        }
        #listed
    }
}

/// Calls the function with what it asks for.
fn call(function: &Function, roles: &Roles<'_>) -> TokenStream {
    let place = at(&function.output());
    let ident = &function.signature.ident;
    let state = roles.state.map(|state| {
        let at = at(&state.ty);
        quote_spanned!(at=> state,)
    });
    let of = at(&roles.command.ty);
    let command = match roles.command.passing {
        Passing::Value => {
            let p = function.root.private_at(of);
            quote_spanned!(of=> #p::Clone::clone(self))
        }
        Passing::Reference | Passing::Mutable(_) => quote_spanned!(of=> self),
    };
    let context = roles.context.then(|| quote_spanned!(place=> , context));
    let unused_state = roles.state.is_none().then(|| quote_spanned!(place=> let _ = state;));
    let unused_context = (!roles.context).then(|| quote_spanned!(place=> let _ = context;));
    quote_spanned!(place=> { #unused_state #unused_context #ident(#state #command #context) })
}

fn roles<'a>(function: &'a Function, errors: &mut Errors) -> Option<Roles<'a>> {
    let mut parameters = function.parameters.iter().collect::<Vec<_>>();
    let context = parameters.pop_if(|last| last.is("CommandContext"));
    if let Some(context) = context {
        context.expect_reference("the context comes by reference", errors);
    }
    if let Some(early) = parameters.iter().find(|parameter| parameter.is("CommandContext")) {
        errors.on(&early.whole, "the context comes last: move this parameter to the end");
        return None;
    }
    let (state, command) = match parameters[..] {
        [] => {
            let ident = &function.signature.ident;
            errors.at(
                ident.span(),
                format!("`{ident}` decides no command: write `fn {ident}(state: &SomeAggregate, command: &SomeCommand) -> …`"),
            );
            return None;
        }
        [command] => (None, command),
        [state, command] => (Some(state), command),
        [_, _, extra, ..] => {
            errors.on(
                &extra.whole,
                "a command handler takes the state, the command and `context: &CommandContext`, and nothing else",
            );
            return None;
        }
    };
    if let Some(state) = state {
        state.expect_reference(
            "a command handler reads the state and leaves changing it to `Evolve`",
            errors,
        );
    }
    if let Passing::Mutable(keyword) = &command.passing {
        let name = command.name();
        errors
            .on(keyword, format!("a command handler does not change the command: write `&{name}`"));
    }
    Some(Roles { state, command, context: context.is_some() })
}

/// An implementation that only keeps callers of the command from being reported too.
fn fallback(function: &Function, command: &syn::Type) -> TokenStream {
    let Function { root, listing, .. } = function;
    if crate::input::impl_keyword(&command.to_token_stream()).is_some()
        || !function.signature.generics.params.is_empty()
    {
        return TokenStream::new();
    }
    let p = root.private();
    let cfgs = listing.cfgs();
    let home = listing.home();
    quote_spanned! {mixed()=>
        #cfgs
        #[automatically_derived]
        impl #root::Handled for #command {
            type Home = #home;
            type Reply = ();
            type Refusal = #p::std::convert::Infallible;
            const CREATES: bool = false;
            fn decide(
                &self,
                _: &Self::Aggregate,
                _: &#root::CommandContext,
            ) -> #p::Result<#root::Decision<#root::EventOf<Self>>, #p::std::convert::Infallible> {
                #p::std::unreachable!()
            }
        }
    }
}
