//! `#[function]`.
//!
//! Beside the function stands a type of its name, which has no values and therefore no constructor
//! that could be in the function's way: `fee(&order)` calls the function, and `call::<fee>(…)` has
//! the manager call one of its editions. Invariant: what all editions share is said at the function;
//! an edition adds a signature, which rustc compares with the function's, and nothing else that
//! could differ.

use lucent_syntax::ArgumentValue;
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, GenericParam, Lifetime, Member, Path, Type};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
    terms,
    wire::wire,
};
use crate::{
    errors::Errors,
    input,
    root::{at, mixed},
};

/// The arguments that the attribute takes.
pub(super) const KEYS: &[&str] = &[
    "name", "on", "shard_by", "version", "variant", "of", "priority", "needs", "deadline", "deny",
    "tags", "fallback", "crate",
];

/// What is said once, at the function that the others are editions of.
const SAID_ONCE: [&str; 5] = ["on", "shard_by", "priority", "deny", "tags"];

/// The type that stands for the function.
pub(super) fn marker(function: &Function) -> TokenStream {
    let cfgs = function.listing.cfgs();
    let Function { visibility, signature, .. } = function;
    let ident = &signature.ident;
    let docs = format!(
        "The function [`{ident}`](fn@{ident}) as a type, for `FunctionManager::call::<{ident}>`."
    );
    quote_spanned! {mixed()=>
        #cfgs
        #[doc = #docs]
        #[allow(missing_debug_implementations, non_camel_case_types, unreachable_pub)]
        #visibility enum #ident {}
    }
}

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { root, listing, arguments, signature, .. } = function;
    let ident = &signature.ident;
    refuse_lifetimes_in_output(function, errors);
    let version = input::number(arguments, "version", 1, errors).unwrap_or(1);
    let variant = terms::variant(arguments, errors);
    let terms = terms::terms(root, arguments, errors);
    let of = input::ty(arguments, "of", "fee", errors);
    let head = match (&of, arguments.find("of")) {
        (None, None) => head(function, errors),
        _ => {
            refuse_said_once(function, errors);
            TokenStream::new()
        }
    };
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let mixed = mixed();
    let p = root.private();
    let cfgs = listing.cfgs();
    let variant = match variant {
        Some(variant) => quote_spanned!(mixed=> #p::Option::Some(#variant)),
        None => quote_spanned!(mixed=> #p::Option::None),
    };
    let of_place = of.as_ref().map_or_else(|| at(ident), at);
    let of_type = of.as_ref().map_or_else(|| ident.to_token_stream(), |of| of.to_token_stream());
    // Where `of` leads to no function, that is reported there.
    let of_type_line = quote_spanned!(of_place=> type Of = #of_type;);
    let place = at(ident);
    let routed = root.at(of_place);
    let call_type = quote_spanned!(of_place=> <#of_type as #routed::function::Routed>::Signature);
    let call = quote_spanned!(place=> const CALL: #call_type = #ident;);
    let distinct = of.as_ref().map(|_| {
        let name = input::plain(ident);
        let message = format!("`{name}` has the version and variant of the function that it is an edition of: give it another `version`");
        let checked = quote_spanned!(place=> #p::is_another_edition::<#ident>());
        quote_spanned!(place=> #cfgs const _: () = #p::std::assert!(#checked, #message);)
    });
    let listed =
        listing.listed_as(root, &quote_spanned!(mixed=> edition_function::<#ident>), &quote!());
    quote_spanned! {mixed=>
        #head
        #cfgs
        #[automatically_derived]
        impl #root::function::Edition for #ident {
            #of_type_line
            const VERSION: u32 = #version;
            const VARIANT: #p::Option<&'static str> = #variant;
            const TERMS: #root::function::Terms = #terms;
            #call
        }
        #distinct
        #listed
    }
}

/// What the function is, for all of its editions.
fn head(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { root, listing, arguments, signature, parameters, .. } = function;
    let ident = &signature.ident;
    if parameters.is_empty() && !function.is_method() {
        let message = format!(
            "`{ident}` calculates from nothing: write `fn {ident}(input: &SomeInput) -> …`"
        );
        errors.at(ident.span(), message);
        return TokenStream::new();
    }
    let declaration = terms::declaration(root, arguments, errors);
    let trigger = Trigger::read(function, errors);
    let shard_key = shard_key(function, trigger.as_ref(), errors);
    for parameter in parameters {
        if let Passing::Mutable(keyword) = &parameter.passing {
            errors.on(keyword, "a function is pure: take a reference without `mut`");
        }
    }
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let mixed = mixed();
    let p = root.private();
    let (cfgs, home) = (listing.cfgs(), listing.home());
    let name = arguments.string("name").unwrap_or_else(|| input::plain(ident));
    let input = input_type(parameters);
    let fn_type = fn_type(function);
    let output = function.output();
    let place = at(&output);
    let fallible = match &signature.output {
        syn::ReturnType::Type(_, ty) => {
            input::last_segment(ty).is_some_and(|last| last == "Result")
        }
        syn::ReturnType::Default => false,
    };
    let outcome = {
        let p = root.private_at(place);
        let root = root.at(place);
        let kind =
            if fallible { quote_spanned!(place=> Fallible) } else { quote_spanned!(place=> Plain) };
        quote_spanned!(place=> <#output as #root::function::FunctionOutput<#p::#kind>>)
    };
    let (event, select) = match &trigger {
        Some(trigger) => (trigger.event_type(), trigger.select(function)),
        None => (
            quote_spanned!(mixed=> #root::function::NoEvent),
            quote_spanned!(mixed=> match *event {}),
        ),
    };
    let pass = match parameters.len() {
        1 => quote_spanned!(mixed=> signature(input)),
        count => {
            let fields = (0..count).map(syn::Index::from);
            quote_spanned!(mixed=> signature(#(input.#fields),*))
        }
    };
    // What is wrong with the return type is reported there.
    let wire = wire(function);
    let outcome_types =
        quote_spanned!(place=> type Output = #outcome::Value; type Error = #outcome::Error;);
    let into_result = quote_spanned!(place=> #outcome::into_result(#pass));
    quote_spanned! {mixed=>
        #cfgs
        #[automatically_derived]
        impl #root::function::Routed for #ident {
            type Home = #home;
            type Event = #event;
            type Input<'__input> = #input;
            #outcome_types
            type Signature = #fn_type;
            const NAME: &'static str = #name;
            const DECLARATION: #root::function::Declaration = #declaration;
            fn apply(
                signature: Self::Signature,
                input: Self::Input<'_>,
            ) -> #p::Result<Self::Output, Self::Error> {
                #into_result
            }
            fn select(event: &Self::Event) -> #p::Option<Self::Input<'_>> { #select }
            #wire
            #shard_key
        }
    }
}

/// The parameters as one type: that of the only one, or a tuple.
fn input_type(parameters: &[Parameter]) -> TokenStream {
    let lifetime = Lifetime::new("'__input", mixed());
    let types = parameters.iter().map(|parameter| {
        let Parameter { ty, whole, passing } = parameter;
        match passing {
            Passing::Value => whole.to_token_stream(),
            Passing::Reference | Passing::Mutable(_) => {
                let place = at(whole);
                quote_spanned!(place=> &#lifetime #ty)
            }
        }
    });
    let types: Vec<TokenStream> = types.collect();
    match &types[..] {
        [one] => one.clone(),
        several => quote!((#(#several),*)),
    }
}

/// The function as the type of a pointer.
fn fn_type(function: &Function) -> TokenStream {
    let signature = &function.signature;
    let lifetimes = signature.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(lifetime) => Some(&lifetime.lifetime),
        _ => None,
    });
    let lifetimes: Vec<_> = lifetimes.collect();
    let binder = (!lifetimes.is_empty()).then(|| quote!(for<#(#lifetimes),*>));
    let parameters = function.parameters.iter().map(|parameter| &parameter.whole);
    let output = &signature.output;
    quote!(#binder fn(#(#parameters),*) #output)
}

/// `on = TradeExecuted` or `on = TradeEvent::Executed`.
struct Trigger {
    event: Type,
    /// The variant's whole path, if it is one.
    variant: Option<Path>,
    /// Whether the function takes what the variant wraps.
    wrapped: bool,
}

impl Trigger {
    fn read(function: &Function, errors: &mut Errors) -> Option<Self> {
        let argument = function.arguments.find("on")?;
        const EXAMPLE: &str = "write `on = TradeExecuted` or `on = TradeEvent::Executed`";
        let path = match &argument.value {
            ArgumentValue::Value(value) => match &**value {
                Expr::Path(path) => Some(path.path.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(path) = path else {
            errors.at(argument.value_span(), format!("`on` takes an event: {EXAMPLE}"));
            return None;
        };
        let parameter = match &function.parameters[..] {
            [parameter] => parameter,
            [_, more, ..] => {
                errors.on(
                    &more.whole,
                    "a function that runs on an event takes the event alone: nobody else is there to pass more",
                );
                return None;
            }
            [] => return None,
        };
        parameter.expect_reference("a function reads the event that it runs on", errors);
        let trigger = Self::of(path, parameter);
        Some(trigger)
    }

    /// A type is written in camel case, as a variant is; a module is not.
    fn of(path: Path, parameter: &Parameter) -> Self {
        let count = path.segments.len();
        let before_last =
            path.segments.iter().rev().nth(1).map(|segment| input::plain(&segment.ident));
        let is_variant = before_last.is_some_and(|name| name.starts_with(char::is_uppercase));
        if !is_variant {
            let event = type_of(path);
            return Self { event, variant: None, wrapped: false };
        }
        let mut owner = path.clone();
        owner.segments = path.segments.iter().take(count - 1).cloned().collect();
        let event = type_of(owner);
        let wrapped = match (input::last_segment(&event), parameter.last_segment()) {
            (Some(owner), Some(parameter)) => owner != parameter,
            _ => false,
        };
        Self { event, variant: Some(path), wrapped }
    }

    fn event_type(&self) -> TokenStream {
        self.event.to_token_stream()
    }

    fn select(&self, function: &Function) -> TokenStream {
        let place =
            function.parameters.first().map_or_else(mixed, |parameter| at(&parameter.whole));
        let p = function.root.private_at(place);
        let some = quote_spanned!(place=> #p::Option::Some);
        let none = quote_spanned!(mixed()=> #p::Option::None);
        match &self.variant {
            None => quote_spanned!(place=> #some(event)),
            Some(variant) if self.wrapped => quote_spanned! {place=>
                #[allow(unreachable_patterns)]
                match event { #variant(wrapped) => #some(wrapped), _ => #none }
            },
            Some(variant) => quote_spanned! {place=>
                #[allow(unreachable_patterns)]
                match event { #variant { .. } => #some(event), _ => #none }
            },
        }
    }
}

/// `shard_by = trading_pair`: a field of the (first) parameter.
fn shard_key(
    function: &Function,
    trigger: Option<&Trigger>,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let argument = function.arguments.find("shard_by")?;
    let fields = match &argument.value {
        ArgumentValue::Value(value) => fields(value),
        _ => None,
    };
    let Some(fields) = fields else {
        let message = "`shard_by` takes a field of the input: write `shard_by = trading_pair`";
        errors.at(argument.value_span(), message);
        return None;
    };
    let place = argument.value_span().resolved_at(mixed());
    let p = function.root.private_at(place);
    let first = match function.parameters.len() {
        1 => quote_spanned!(mixed()=> input),
        _ => quote_spanned!(mixed()=> input.0),
    };
    let of_variant =
        trigger.filter(|trigger| !trigger.wrapped).and_then(|trigger| trigger.variant.as_ref());
    let key = match of_variant {
        Some(variant) => {
            let (field, rest) = fields.split_first()?;
            let mut local = quote::format_ident!("key");
            local.set_span(place);
            quote_spanned! {place=>
                #[allow(unreachable_patterns)]
                match #first {
                    #variant { #field: #local, .. } => #p::Option::Some(#p::shard_key(&#local #(.#rest)*)),
                    _ => #p::Option::None,
                }
            }
        }
        None => quote_spanned!(place=> #p::Option::Some(#p::shard_key(&#first #(.#fields)*))),
    };
    let p = function.root.private();
    Some(quote_spanned! {mixed()=>
        fn shard_key(input: &Self::Input<'_>) -> #p::Option<#p::String> { #key }
    })
}

fn type_of(path: Path) -> Type {
    Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path })
}

/// `a.b.c` as fields.
fn fields(value: &Expr) -> Option<Vec<Member>> {
    match value {
        Expr::Path(path) => Some(vec![Member::Named(path.path.get_ident()?.clone())]),
        Expr::Field(field) => {
            let mut all = fields(&field.base)?;
            all.push(field.member.clone());
            Some(all)
        }
        _ => None,
    }
}

fn refuse_said_once(function: &Function, errors: &mut Errors) {
    for key in SAID_ONCE {
        if let Some(argument) = function.arguments.find(key) {
            let message = format!(
                "`{key}` is said once, at the function that this is an edition of: move it there"
            );
            errors.at(argument.key.span(), message);
        }
    }
}

/// What is returned is kept and compared, so it cannot borrow from the input.
fn refuse_lifetimes_in_output(function: &Function, errors: &mut Errors) {
    let syn::ReturnType::Type(_, ty) = &function.signature.output else {
        return;
    };
    if let Type::Reference(reference) = &**ty {
        errors.on(reference, "what a function returns outlives its input: return an owned value");
    }
}
