//! `#[derive(Command)]`.
//!
//! Invariant: a command names its aggregate by exactly one field, or is for decision models.

use lucent_syntax::Arguments;
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Member, Meta, Type, spanned::Spanned as _};

use crate::{
    derive::tag::{TagField, key_type, member_of, refuse_repeated_keys, tags_of},
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

pub(crate) fn command(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let known = ["aggregate", "untagged", "name", "crate"];
    let arguments = input::arguments_of(&input.attrs, "command", &known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    let name = input::text(&arguments, "name", &mut errors)
        .map_or_else(|| input::plain(&input.ident), |name| name.value());
    let Some(fields) = fields(input, &mut errors) else { return quote!(#errors) };
    let mut tags = tags_of(fields, &mut errors);
    refuse_repeated_keys(&mut tags, "a command", &mut errors);
    let untagged = input::flag(&arguments, "untagged", &mut errors);
    let (boundary, impls) = if tags.is_empty() && !untagged {
        match of_aggregate(input, fields, &arguments, &root, &mut errors) {
            Some(impls) => ("ByAggregate", impls),
            None => return quote!(#errors),
        }
    } else {
        refuse_aggregate(fields, &arguments, &tags, &mut errors);
        ("ByTags", of_tags(input, &tags, &root))
    };
    let boundary = Ident::new(boundary, mixed());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let of = of(input);
    quote_spanned! {mixed()=>
        #errors
        #[automatically_derived]
        impl #impl_generics #root::Command for #of #type_generics #where_clause {
            type Boundary = #root::#boundary;
            const NAME: &'static str = #name;
        }
        #impls
    }
}

/// The type's name, where the compiler is to report what is wrong with it.
fn of(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let at = at(ident);
    quote_spanned!(at=> #ident)
}

/// What makes it a command for an aggregate.
fn of_aggregate(
    input: &DeriveInput,
    fields: &Fields,
    arguments: &Arguments,
    root: &Root,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let aggregate = input::ty(arguments, "aggregate", "Account", errors);
    let id = id_field(&input.ident, fields, errors);
    // Without a name, the aggregate is the one that the id belongs to.
    let aggregate = match (aggregate, &id) {
        (Some(aggregate), _) => quote!(#aggregate),
        (None, Some((_, id))) if arguments.find("aggregate").is_none() => {
            let at = at(id);
            let root = root.at(at);
            quote_spanned!(at=> <#id as #root::Identifies>::Aggregate)
        }
        (None, _) => return None,
    };
    let p = root.private();
    let id = match id {
        Some((member, ty)) => {
            let at = at(&ty);
            quote_spanned!(at=> &self.#member)
        }
        None => quote_spanned!(mixed()=> #p::std::unreachable!()),
    };
    let associated = {
        let at = at(&aggregate);
        quote_spanned!(at=> type Aggregate = #aggregate;)
    };
    let aggregate_id = {
        let at = at(&aggregate);
        let root = root.at(at);
        quote_spanned! {at=>
            fn aggregate_id(&self) -> &<#aggregate as #root::Aggregate>::Id { #id }
        }
    };
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let of = of(input);
    Some(quote_spanned! {mixed()=>
        #[automatically_derived]
        impl #impl_generics #root::AggregateCommand for #of #type_generics #where_clause {
            #associated
            #aggregate_id
        }
    })
}

/// What decision models find in it.
fn of_tags(input: &DeriveInput, tags: &[TagField], root: &Root) -> TokenStream {
    let p = root.private();
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let of = of(input);
    let impls = tags.iter().map(|TagField { member, key, ty }| {
        let key = key_type(root, key);
        quote_spanned! {mixed()=>
            #[automatically_derived]
            impl #impl_generics #p::HasTag<#key> for #of #type_generics #where_clause {
                type Value = #ty;
                fn tag(&self) -> &Self::Value { &self.#member }
            }
        }
    });
    quote!(#(#impls)*)
}

/// Reports a command that is for an aggregate and for decision models.
fn refuse_aggregate(
    fields: &Fields,
    arguments: &Arguments,
    tags: &[TagField],
    errors: &mut Errors,
) {
    const WHY: &str = "a command is for one aggregate, by `#[id]`, or for decision models, by `#[tag]`: remove one of the two";
    let ids = fields.iter().flat_map(|field| &field.attrs);
    for mark in ids.filter(|mark| mark.path().is_ident("id")) {
        errors.on(mark, WHY);
    }
    if let Some(aggregate) = arguments.find("aggregate") {
        errors.at(aggregate.key.span(), WHY);
    }
    if let (Some(untagged), Some(_)) = (arguments.find("untagged"), tags.first()) {
        errors.at(untagged.key.span(), "the command has a `#[tag]`: remove one of the two");
    }
}

/// The fields, if it is a struct.
fn fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Fields> {
    let ident = &input.ident;
    match &input.data {
        Data::Struct(data) => Some(&data.fields),
        Data::Enum(data) => {
            let message =
                format!("a command is a struct: write one struct per variant of `{ident}`");
            errors.at(data.enum_token.span(), message);
            None
        }
        Data::Union(data) => {
            errors.at(data.union_token.span(), "a command is a struct");
            None
        }
    }
}

/// The field that holds the aggregate's id, and its type.
fn id_field(ident: &Ident, fields: &Fields, errors: &mut Errors) -> Option<(Member, Type)> {
    let mut found: Option<(Member, Type)> = None;
    for (index, field) in fields.iter().enumerate() {
        let mut marks = field.attrs.iter().filter(|mark| mark.path().is_ident("id"));
        let Some(mark) = marks.next() else { continue };
        check_mark(mark, errors);
        if let Some(second) = marks.next() {
            errors.on(second, "`#[id]` is given twice: remove one");
        }
        if let Some((first, _)) = &found {
            let first = first.to_token_stream();
            let message = format!(
                "a command names one aggregate, and `{first}` already has `#[id]`: remove one of the two"
            );
            errors.on(mark, message);
            continue;
        }
        let member = member_of(field, index);
        found = Some((member, field.ty.clone()));
    }
    if found.is_none() {
        let example = match fields {
            Fields::Named(named) => {
                named.named.first().and_then(|field| field.ident.as_ref()).map(ToString::to_string)
            }
            Fields::Unnamed(_) | Fields::Unit => None,
        };
        let example = example.map_or_else(
            || "on the field that holds the aggregate's id".to_owned(),
            |field| format!("on the field that holds the aggregate's id, as in `#[id] {field}: …`"),
        );
        errors.at(
            ident.span(),
            format!("`{ident}` does not say which aggregate it changes: write `#[id]` {example}; or write `#[tag]` on each field that a decision model is found by"),
        );
    }
    found
}

fn check_mark(mark: &Attribute, errors: &mut Errors) {
    if !matches!(mark.meta, Meta::Path(_)) {
        errors.on(&mark.meta, "`#[id]` takes no arguments");
    }
}
