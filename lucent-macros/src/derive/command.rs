//! `#[derive(Command)]`.
//!
//! Invariant: a command names its aggregate by exactly one field.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Fields, Index, Member, Meta, Type, spanned::Spanned as _};

use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

pub(crate) fn command(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let known = ["aggregate", "name", "crate"];
    let arguments = input::arguments_of(&input.attrs, "command", &known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    let ident = &input.ident;
    let aggregate = input::ty(&arguments, "aggregate", "Account", &mut errors);
    let name = input::text(&arguments, "name", &mut errors)
        .map_or_else(|| input::plain(ident), |name| name.value());
    let id = id_field(input, &mut errors);
    // Without a name, the aggregate is the one that the id belongs to.
    let aggregate = match (aggregate, &id) {
        (Some(aggregate), _) => quote!(#aggregate),
        (None, Some((_, id))) if arguments.find("aggregate").is_none() => {
            let at = at(id);
            let root = root.at(at);
            quote_spanned!(at=> <#id as #root::Identifies>::Aggregate)
        }
        (None, _) => return quote!(#errors),
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
    let of = {
        let at = at(ident);
        quote_spanned!(at=> #ident)
    };
    quote_spanned! {mixed()=>
        #errors
        #[automatically_derived]
        impl #impl_generics #root::Command for #of #type_generics #where_clause {
            #associated
            const NAME: &'static str = #name;
            #aggregate_id
        }
    }
}

/// The field that holds the aggregate's id, and its type.
fn id_field(input: &DeriveInput, errors: &mut Errors) -> Option<(Member, Type)> {
    let ident = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            let message =
                format!("a command is a struct: write one struct per variant of `{ident}`");
            errors.at(data.enum_token.span(), message);
            return None;
        }
        Data::Union(data) => {
            errors.at(data.union_token.span(), "a command is a struct");
            return None;
        }
    };
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
        let member = field.ident.clone().map_or_else(
            || {
                Member::Unnamed(Index {
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                    span: Span::mixed_site(),
                })
            },
            Member::Named,
        );
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
            format!("`{ident}` does not say which aggregate it changes: write `#[id]` {example}"),
        );
    }
    found
}

fn check_mark(mark: &Attribute, errors: &mut Errors) {
    if !matches!(mark.meta, Meta::Path(_)) {
        errors.on(&mark.meta, "`#[id]` takes no arguments");
    }
}
