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
    state: Option<StateRole<'a>>,
    command: &'a Parameter,
    context: bool,
}

/// The state, by its shape.
enum StateRole<'a> {
    /// An aggregate, or one decision model.
    One(&'a Parameter),
    /// A tuple of decision models.
    Several(&'a Parameter, Vec<Parameter>),
}

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Some(roles) = roles(function, errors) else {
        return TokenStream::new();
    };
    let command = &roles.command.ty;
    if !errors.is_empty() {
        return fallback(function, &roles);
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
    let state = state_type(function, &roles);
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
            state: &Self::State,
            context: &#root::CommandContext,
        ) -> #p::Result<#root::Decision<#events, Self::Reply>, Self::Refusal> {
            #decided::into_decision(#call)
        }
    };
    let found = models_are_found(function, &roles);
    quote_spanned! {mixed()=>
        #found
        #cfgs
        #[automatically_derived]
        #header {
            type Home = #home;
            #state
            const CREATES: bool = #creates;
            #body
        }
        #listed
    }
}

/// What the command is decided on.
fn state_type(function: &Function, roles: &Roles<'_>) -> TokenStream {
    let state = match &roles.state {
        Some(StateRole::One(state)) => {
            let ty = &state.ty;
            let at = at(ty);
            return quote_spanned!(at=> type State = #ty;);
        }
        Some(StateRole::Several(whole, models)) => {
            let types = models.iter().map(|model| &model.ty);
            let at = at(&whole.whole);
            quote_spanned!(at=> (#(#types,)*))
        }
        None => {
            let command = &roles.command.ty;
            let at = at(command);
            let root = function.root.at(at);
            quote_spanned!(at=> <#command as #root::AggregateCommand>::Aggregate)
        }
    };
    let at = at(&state);
    quote_spanned!(at=> type State = #state;)
}

/// Asks of each model of a tuple that the command finds it, for the compiler to name what is missing.
fn models_are_found(function: &Function, roles: &Roles<'_>) -> TokenStream {
    let Some(StateRole::Several(_, models)) = &roles.state else { return TokenStream::new() };
    let cfgs = function.listing.cfgs();
    let command = &roles.command.ty;
    let asks = models.iter().map(|model| {
        let ty = &model.ty;
        let at = at(ty);
        let p = function.root.private_at(at);
        quote_spanned! {at=>
            #cfgs
            const _: fn() = #p::finds::<#command, #ty>;
        }
    });
    quote!(#(#asks)*)
}

/// Calls the function with what it asks for.
fn call(function: &Function, roles: &Roles<'_>) -> TokenStream {
    let place = at(&function.output());
    let ident = &function.signature.ident;
    let state = roles.state.as_ref().map(|state| match state {
        StateRole::One(state) => {
            let at = at(&state.ty);
            quote_spanned!(at=> state,)
        }
        StateRole::Several(_, models) => {
            let models = models.iter().enumerate().map(|(index, model)| {
                let at = at(&model.ty);
                let index =
                    syn::Index { index: u32::try_from(index).unwrap_or(u32::MAX), span: at };
                quote_spanned!(at=> &state.#index)
            });
            quote_spanned!(place=> (#(#models,)*),)
        }
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
    let state = state.map(|state| state_role(state, errors));
    if let Passing::Mutable(keyword) = &command.passing {
        let name = command.name();
        errors
            .on(keyword, format!("a command handler does not change the command: write `&{name}`"));
    }
    Some(Roles { state, command, context: context.is_some() })
}

fn state_role<'a>(state: &'a Parameter, errors: &mut Errors) -> StateRole<'a> {
    const READS: &str = "a command handler reads the state and leaves changing it to `Evolve`";
    let syn::Type::Tuple(tuple) = &state.ty else {
        state.expect_reference(READS, errors);
        return StateRole::One(state);
    };
    if !matches!(state.passing, Passing::Value) {
        errors.on(&state.whole, "the tuple comes by value, and each model in it by reference: write `(&ModelA, &ModelB)`");
    }
    let models: Vec<_> = tuple.elems.iter().cloned().map(Parameter::new).collect();
    for model in &models {
        model.expect_reference(READS, errors);
    }
    match &models[..] {
        [] => errors.on(&state.whole, "an empty tuple is no state: write `(&ModelA, &ModelB)`"),
        [_, _, _, _, _, _, _, _, ninth, ..] => errors.on(
            &ninth.whole,
            "a command is decided on eight models at most: let one model answer several questions",
        ),
        _ => {}
    }
    StateRole::Several(state, models)
}

/// An implementation that only keeps callers of the command from being reported too.
fn fallback(function: &Function, roles: &Roles<'_>) -> TokenStream {
    let Function { root, listing, .. } = function;
    let command = &roles.command.ty;
    if matches!(&roles.state, Some(StateRole::Several(_, models)) if !(1..=8).contains(&models.len()))
    {
        return TokenStream::new();
    }
    let state = state_type(function, roles);
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
            #state
            type Reply = ();
            type Refusal = #p::std::convert::Infallible;
            const CREATES: bool = false;
            fn decide(
                &self,
                _: &Self::State,
                _: &#root::CommandContext,
            ) -> #p::Result<#root::Decision<#root::EventOf<Self>>, #p::std::convert::Infallible> {
                #p::std::unreachable!()
            }
        }
    }
}
