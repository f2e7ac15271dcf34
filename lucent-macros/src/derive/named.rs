//! `#[derive(Query)]` and `#[derive(ReadModel)]`: traits of a name alone.

use lucent_syntax::snake_case;
use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::DeriveInput;

use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

pub(crate) fn query(input: &DeriveInput) -> TokenStream {
    named(input, "Query", "query", str::to_owned)
}

pub(crate) fn read_model(input: &DeriveInput) -> TokenStream {
    named(input, "ReadModel", "read_model", snake_case)
}

fn named(
    input: &DeriveInput,
    name: &str,
    attribute: &str,
    default: impl FnOnce(&str) -> String,
) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = input::arguments_of(&input.attrs, attribute, &["name", "crate"], &mut errors);
    let root = Root::new(&arguments, &mut errors);
    let ident = &input.ident;
    let stored = input::text(&arguments, "name", &mut errors)
        .map_or_else(|| default(&input::plain(ident)), |text| text.value());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let contract = format_ident!("{name}", span = mixed());
    let of = {
        let at = at(ident);
        quote_spanned!(at=> #ident)
    };
    quote_spanned! {mixed()=>
        #errors
        #[automatically_derived]
        impl #impl_generics #root::#contract for #of #type_generics #where_clause {
            const NAME: &'static str = #stored;
        }
    }
}
