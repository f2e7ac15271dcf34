//! `#[derive(Aggregate)]`.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Ident, Type, TypePath};

use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

pub(crate) fn aggregate(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let known = ["id", "event", "snapshot", "name", "shared_id", "crate"];
    let arguments = input::arguments_of(&input.attrs, "aggregate", &known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    let ident = &input.ident;
    if let Data::Union(data) = &input.data {
        let message = "an aggregate is a struct or an enum";
        errors.at(data.union_token.span, message);
    }
    let id = associated(&arguments, "id", "Id", ident, &mut errors);
    let event = associated(&arguments, "event", "Event", ident, &mut errors);
    let shared_id = input::flag(&arguments, "shared_id", &mut errors);
    let name = input::text(&arguments, "name", &mut errors)
        .map_or_else(|| input::plain(ident), |name| name.value());
    let snapshot = snapshot(&root, &arguments, &mut errors);
    let (Some(id), Some(event)) = (id, event) else {
        return quote!(#errors);
    };
    let id_type = id.clone();
    let id = {
        let at = at(&id);
        quote_spanned!(at=> type Id = #id;)
    };
    let event = {
        let at = at(&event);
        quote_spanned!(at=> type Event = #event;)
    };
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let folds = (errors.is_empty() && input.generics.params.is_empty()).then(|| {
        let at = at(ident);
        let p = root.private_at(at);
        quote_spanned!(at=> const _: fn() = #p::folds::<#ident>;)
    });
    let of = {
        let at = at(ident);
        quote_spanned!(at=> #ident)
    };
    let identifies = (!shared_id && input.generics.params.is_empty()).then(|| {
        let at = at(&id_type);
        let root = root.at(at);
        quote_spanned! {at=>
            #[automatically_derived]
            impl #root::Identifies for #id_type {
                type Aggregate = #ident;
            }
        }
    });
    quote_spanned! {mixed()=>
        #errors
        #identifies
        #[automatically_derived]
        impl #impl_generics #root::State for #of #type_generics #where_clause {
            #event
        }
        #[automatically_derived]
        impl #impl_generics #root::Aggregate for #of #type_generics #where_clause {
            #id
            const NAME: &'static str = #name;
            #snapshot
        }
        #folds
    }
}

/// A type that the attribute names, or else the one that is named after the aggregate.
fn associated(
    arguments: &Arguments,
    key: &str,
    suffix: &str,
    aggregate: &Ident,
    errors: &mut Errors,
) -> Option<Type> {
    if arguments.find(key).is_some() {
        return input::ty(arguments, key, &format!("Some{suffix}"), errors);
    }
    let name = Ident::new(&format!("{}{suffix}", input::plain(aggregate)), aggregate.span());
    Some(Type::Path(TypePath { attrs: Vec::new(), qself: None, path: name.into() }))
}

fn snapshot(root: &Root, arguments: &Arguments, errors: &mut Errors) -> Option<TokenStream> {
    const EXAMPLE: &str = "write `snapshot(every = 200, version = 1)`";
    let argument = arguments.find("snapshot")?;
    let ArgumentValue::List(inner) = &argument.value else {
        errors.at(argument.value_span(), format!("`snapshot` takes a list: {EXAMPLE}"));
        return None;
    };
    inner.check_keys("snapshot", &["every", "version"], errors.list());
    let every = input::number(inner, "every", 200, errors).map(u64::from);
    if inner.find("every").is_none() {
        let message = format!("`snapshot` does not say after how many events: {EXAMPLE}");
        errors.at(argument.key.span(), message);
    }
    let version = match inner.find("version") {
        Some(_) => input::number(inner, "version", 1, errors)?,
        None => 1,
    };
    let every = every?;
    let at: Span = argument.key.span().resolved_at(mixed());
    let (root, p) = (root.at(at), root.private_at(at));
    Some(quote_spanned! {at=>
        const SNAPSHOT: #p::Option<#root::SnapshotPolicy> = #p::Option::Some(
            #root::SnapshotPolicy { every: #every, version: #version },
        );
        fn encode_snapshot(&self) -> #p::Result<#root::Payload, #root::EncodeError> {
            #root::Payload::json(self)
        }
        fn decode_snapshot(payload: &#root::Payload) -> #p::Result<Self, #p::String> {
            #root::Payload::to_json(payload)
        }
    })
}
