//! `#[function]`.
//!
//! Beside the function stands a type of its name, which has no values and therefore no constructor
//! that could be in the function's way: `fee(&order)` calls the function, and `call::<fee>(…)` has
//! the manager call one of its editions. Invariant: what all editions share is said at the function;
//! an edition adds a signature, which rustc compares with the function's, and nothing else that
//! could differ.

use lucent_syntax::ArgumentValue;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Member, Type};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
    terms,
    trigger::Trigger,
    wire::wire,
};
use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

/// The arguments that the attribute takes.
pub(super) const KEYS: &[&str] = &[
    "name", "on", "shard_by", "version", "variant", "of", "priority", "needs", "deadline", "deny",
    "tags", "fallback", "crate",
];

/// What is said once, at the function that the others are editions of.
const SAID_ONCE: [&str; 5] = ["on", "shard_by", "priority", "deny", "tags"];

/// What says that it matters where a function runs. Others run where they are called.
const PLACES: [&str; 3] = ["shard_by", "needs", "priority"];

/// The type that stands for the function.
pub(super) fn marker(function: &Function) -> TokenStream {
    let Function { visibility, signature, listing, .. } = function;
    if listing.is_found() {
        return listing.import(visibility);
    }
    let cfgs = listing.cfgs();
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
    let Function { root, listing, arguments, .. } = function;
    refuse_lifetimes_in_output(function, errors);
    let version = input::number(arguments, "version", 1, errors).unwrap_or(1);
    let variant = terms::variant(arguments, errors);
    let terms = terms::terms(root, arguments, errors);
    let of = input::ty(arguments, "of", "fee", errors);
    let head = match (&of, arguments.find("of")) {
        (None, None) => Head::read(function, errors),
        _ => {
            refuse_said_once(function, errors);
            None
        }
    };
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let said = said(root, version, variant.as_deref(), terms);
    // What cannot be returned is reported there, and what is no function to be an edition of too.
    let place = of.as_ref().map_or_else(|| at(&function.output()), at);
    let enlisted = listing.enlists(root, place);
    let Some(of) = of else {
        let declared = head.map(|head| head.implement(function, &said));
        return quote!(#declared #enlisted);
    };
    let edition = edition(function, &of, &said);
    quote!(#edition #enlisted)
}

/// What is said of this edition, as far as it is not what is said of none.
fn said(
    root: &Root,
    version: u32,
    variant: Option<&str>,
    terms: Option<TokenStream>,
) -> TokenStream {
    let (mixed, p) = (mixed(), root.private());
    let version = (version != 1).then(|| quote_spanned!(mixed=> const VERSION: u32 = #version;));
    let variant = variant.map(|variant| {
        quote_spanned! {mixed=>
            const VARIANT: #p::Option<&'static str> = #p::Option::Some(#variant);
        }
    });
    let terms =
        terms.map(|terms| quote_spanned!(mixed=> const TERMS: #root::function::Terms = #terms;));
    quote!(#version #variant #terms)
}

/// `Edition` for an edition of another function.
fn edition(function: &Function, of: &Type, said: &TokenStream) -> TokenStream {
    let Function { root, listing, signature, .. } = function;
    let ident = &signature.ident;
    let (cfgs, p) = (listing.cfgs(), root.private());
    let (place, of_place) = (at(ident), at(of));
    // Where `of` leads to no function, that is reported there.
    let of_type = quote_spanned!(of_place=> type Of = #of;);
    let name = input::plain(ident);
    let (line, root_at) = (line(ident), root.at(of_place));
    let itself = quote_spanned! {of_place=>
        fn function() -> (u32, <#of as #root_at::function::Routed>::Signature) { (#line, #ident) }
    };
    let message = format!(
        "`{name}` has the version and variant of the function that it is an edition of: give it another `version`"
    );
    let checked = quote_spanned!(place=> #p::is_another_edition::<#ident>());
    quote_spanned! {mixed()=>
        #cfgs
        #[automatically_derived]
        impl #root::function::Edition for #ident {
            #of_type
            #said
            #itself
        }
        #cfgs
        const _: () = #p::std::assert!(#checked, #message);
    }
}

/// What the function is, for all of its editions.
struct Head {
    declaration: Option<TokenStream>,
    trigger: Option<Trigger>,
    shard_key: Option<TokenStream>,
}

impl Head {
    fn read(function: &Function, errors: &mut Errors) -> Option<Self> {
        let Function { root, arguments, signature, parameters, .. } = function;
        let ident = &signature.ident;
        if parameters.is_empty() && !function.is_method() {
            let message = format!(
                "`{ident}` calculates from nothing: write `fn {ident}(input: &SomeInput) -> …`"
            );
            errors.at(ident.span(), message);
            return None;
        }
        if let Some(ninth) = parameters.get(MOST_PARAMETERS) {
            let message = "a function that is routed has eight parameters at most: group some of them in a struct";
            errors.on(&ninth.whole, message);
        }
        let declaration = terms::declaration(root, arguments, errors);
        let trigger = Trigger::read(function, errors);
        let shard_key = shard_key(function, trigger.as_ref(), errors);
        for parameter in parameters {
            if let Passing::Mutable(keyword) = &parameter.passing {
                errors.on(keyword, "a function is pure: take a reference without `mut`");
            }
        }
        Some(Self { declaration, trigger, shard_key })
    }

    /// `Declared`, from which the rest follows.
    fn implement(&self, function: &Function, said: &TokenStream) -> TokenStream {
        let Function { root, listing, arguments, signature, .. } = function;
        let Self { declaration, trigger, shard_key } = self;
        let ident = &signature.ident;
        let (mixed, cfgs) = (mixed(), listing.cfgs());
        let name = arguments.string("name").unwrap_or_else(|| input::plain(ident));
        let shape = shape(function, trigger.as_ref());
        let of = signature_of(function, trigger.as_ref());
        let line = line(ident);
        let place = place(function, trigger.as_ref());
        let itself = quote_spanned! {place=>
            fn function() -> (&'static str, u32, #of) { (#name, #line, #ident) }
        };
        let declaration = declaration.as_ref().map(|declaration| {
            quote_spanned!(mixed=> const DECLARATION: #root::function::Declaration = #declaration;)
        });
        let select = trigger.as_ref().and_then(|trigger| trigger.select(function));
        let is_placed = PLACES.iter().any(|key| arguments.find(key).is_some());
        let wire = is_placed.then(|| wire(function));
        quote_spanned! {mixed=>
            #cfgs
            #[automatically_derived]
            impl #root::function::Declared for #ident {
                type Shape = #shape;
                #declaration
                #said
                #itself
                #select
                #wire
                #shard_key
            }
        }
    }
}

/// Where it is reported that the event is none, or that an output cannot be kept.
fn place(function: &Function, trigger: Option<&Trigger>) -> Span {
    match trigger {
        Some(_) => at(&function.signature.ident),
        None => at(&function.output()),
    }
}

/// What the function takes and returns. Each part stands where it was written, for what is wrong with
/// it is reported there; what is wrong with an event or with what is made of it, at the function's name.
fn shape(function: &Function, trigger: Option<&Trigger>) -> TokenStream {
    let returns = returns(function);
    let place = place(function, trigger);
    let root = function.root.at(place);
    let home = function.listing.home();
    match (trigger, &function.parameters[..]) {
        (None, parameters) => {
            let parameters = parameters.iter().map(|parameter| {
                let Parameter { ty, whole, passing } = parameter;
                let place = at(whole);
                let root = function.root.at(place);
                match passing {
                    Passing::Value => quote_spanned!(place=> #root::function::Val<#whole>),
                    Passing::Reference | Passing::Mutable(_) => {
                        quote_spanned!(place=> #root::function::Ref<#ty>)
                    }
                }
            });
            quote_spanned!(place=> #root::function::Takes<#home, (#(#parameters,)*), #returns>)
        }
        (Some(Trigger { event, variant: Some(_), .. }), [Parameter { ty, .. }]) => {
            quote_spanned!(place=> #root::function::OnPart<#home, #event, #ty, #returns>)
        }
        (Some(Trigger { event, .. }), _) => {
            quote_spanned!(place=> #root::function::On<#home, #event, #returns>)
        }
    }
}

/// The type of a pointer to the function, written as it is: to find it by its shape costs more.
fn signature_of(function: &Function, trigger: Option<&Trigger>) -> TokenStream {
    let output = function.output();
    let place = at(&function.signature.ident);
    let parameters = function.parameters.iter().map(|Parameter { ty, whole, passing }| {
        match (passing, trigger) {
            (Passing::Value, _) => quote!(#whole),
            (_, Some(Trigger { event, variant: None, .. })) => quote_spanned!(place=> &#event),
            _ => quote_spanned!(place=> &#ty),
        }
    });
    quote_spanned!(place=> fn(#(#parameters),*) -> #output)
}

/// The line of the function.
fn line(ident: &syn::Ident) -> TokenStream {
    let line = u32::try_from(ident.span().unwrap().line()).unwrap_or_default();
    quote_spanned!(mixed()=> #line)
}

fn returns(function: &Function) -> TokenStream {
    let output = function.output();
    let place = at(&output);
    let fallible = match &function.signature.output {
        syn::ReturnType::Type(_, ty) => {
            input::last_segment(ty).is_some_and(|last| last == "Result")
        }
        syn::ReturnType::Default => false,
    };
    let kind = fallible.then(|| {
        let root = function.root.at(place);
        quote_spanned!(place=> , #root::function::Fallible)
    });
    quote_spanned!(place=> #output #kind)
}

/// Says nothing of a function with a mistake, so that the registry reports nothing more.
pub(super) fn broken(function: &Function) -> TokenStream {
    function.listing.broken_function(&function.root)
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
    let (root, p) = (&function.root, function.root.private());
    Some(quote_spanned! {mixed()=>
        fn shard_key(
            input: &<Self::Shape as #root::function::Shape>::Input<'_>,
        ) -> #p::Option<#p::String> { #key }
    })
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

/// How many parameters there are shapes for.
const MOST_PARAMETERS: usize = 8;
