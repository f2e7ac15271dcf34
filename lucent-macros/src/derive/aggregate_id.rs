//! `#[derive(AggregateId)]`.
//!
//! Invariant: the category is a valid first part of a stream's name: not empty, without `-`.

use lucent_syntax::{Arguments, snake_case};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Field, Fields, Ident, spanned::Spanned as _};

use crate::{
    errors::Errors,
    input,
    root::{Root, at},
};

pub(crate) fn aggregate_id(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let known = ["category", "copy", "crate"];
    let arguments = input::arguments_of(&input.attrs, "aggregate_id", &known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    input::refuse_generics(
        &input.generics,
        "an aggregate id takes no parameters: write a type per aggregate",
        &mut errors,
    );
    let category = category(&input.ident, &arguments, &mut errors);
    let copy = input::flag(&arguments, "copy", &mut errors);
    let Some(field) = only_field(input, &mut errors) else {
        return quote!(#errors);
    };
    if !input.generics.params.is_empty() {
        return quote!(#errors);
    }
    let copy = copy || is_copy(field);
    let impls = impls(&root, &input.ident, field, &category, copy);
    quote!(#errors #impls)
}

fn category(ident: &Ident, arguments: &Arguments, errors: &mut Errors) -> String {
    let name = input::plain(ident);
    if arguments.find("category").is_none() {
        let category = snake_case(name.strip_suffix("Id").unwrap_or(&name));
        if category.is_empty() {
            errors.at(
                ident.span(),
                "the category of the streams would be empty: write `#[aggregate_id(category = \"…\")]`",
            );
        }
        return category;
    }
    let Some(literal) = input::text(arguments, "category", errors) else {
        return name;
    };
    let category = literal.value();
    if category.contains('-') {
        let better = category.replace('-', "_");
        errors.at(
            literal.span(),
            format!("a category ends at the first `-` of a stream's name: write `\"{better}\"`"),
        );
    } else if category.chars().any(char::is_control) || category.len() > 200 {
        errors.at(literal.span(), "a category is a printable text of at most 200 bytes");
    }
    category
}

fn only_field<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Field> {
    let ident = &input.ident;
    let shape = format!("write `struct {ident}(Uuid);`");
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => return fields.unnamed.first(),
            Fields::Unnamed(fields) if fields.unnamed.len() > 1 => {
                let message = format!("an aggregate id holds one value: {shape}");
                errors.on(&fields.unnamed[1], message);
            }
            Fields::Named(fields) => {
                let message = format!("an aggregate id is a tuple struct of one value: {shape}");
                errors.at(fields.span(), message);
            }
            Fields::Unnamed(_) | Fields::Unit => {
                errors.at(ident.span(), format!("an aggregate id holds a value: {shape}"));
            }
        },
        Data::Enum(data) => errors.at(
            data.enum_token.span(),
            format!("an aggregate id is a tuple struct of one value: {shape}"),
        ),
        Data::Union(data) => errors.at(
            data.union_token.span(),
            format!("an aggregate id is a tuple struct of one value: {shape}"),
        ),
    }
    None
}

/// Whether the type is surely `Copy`, as far as its name tells.
fn is_copy(field: &Field) -> bool {
    const COPY: [&str; 14] = [
        "Uuid", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "char",
    ];
    input::last_segment(&field.ty).is_some_and(|last| COPY.iter().any(|known| last == known))
}

fn impls(root: &Root, ident: &Ident, field: &Field, category: &str, copy: bool) -> TokenStream {
    let value = &field.ty;
    // What the value lacks is reported at the value.
    let mixed = at(value);
    let (root, p) = (root.at(mixed), root.private_at(mixed));
    let name = input::plain(ident);
    let (clone, copy) = if copy {
        let copy = quote_spanned!(mixed=>
            #[automatically_derived]
            impl #p::std::marker::Copy for #ident {}
        );
        (quote_spanned!(mixed=> *self), copy)
    } else {
        let clone = quote_spanned!(mixed=> Self(#p::Clone::clone(&self.0)));
        (clone, TokenStream::new())
    };
    quote_spanned! {mixed=>
        #[automatically_derived]
        impl #root::AggregateId for #ident {
            type Value = #value;
            const CATEGORY: &'static str = #category;
            fn from_value(value: Self::Value) -> Self { Self(value) }
            fn value(&self) -> &Self::Value { &self.0 }
        }
        #[automatically_derived]
        impl #p::Clone for #ident {
            fn clone(&self) -> Self { #clone }
        }
        #copy
        #[automatically_derived]
        impl #p::std::fmt::Debug for #ident {
            fn fmt(&self, f: &mut #p::std::fmt::Formatter<'_>) -> #p::std::fmt::Result {
                #p::std::fmt::Formatter::debug_tuple(f, #name).field(&self.0).finish()
            }
        }
        #[automatically_derived]
        impl #p::std::fmt::Display for #ident {
            fn fmt(&self, f: &mut #p::std::fmt::Formatter<'_>) -> #p::std::fmt::Result {
                #p::std::fmt::Display::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl #p::std::cmp::PartialEq for #ident {
            fn eq(&self, other: &Self) -> bool { #p::std::cmp::PartialEq::eq(&self.0, &other.0) }
        }
        #[automatically_derived]
        impl #p::std::cmp::Eq for #ident {}
        #[automatically_derived]
        impl #p::std::cmp::PartialOrd for #ident {
            fn partial_cmp(&self, other: &Self) -> #p::Option<#p::std::cmp::Ordering> {
                #p::Option::Some(#p::std::cmp::Ord::cmp(self, other))
            }
        }
        #[automatically_derived]
        impl #p::std::cmp::Ord for #ident {
            fn cmp(&self, other: &Self) -> #p::std::cmp::Ordering {
                #p::std::cmp::Ord::cmp(&self.0, &other.0)
            }
        }
        #[automatically_derived]
        impl #p::std::hash::Hash for #ident {
            fn hash<H: #p::std::hash::Hasher>(&self, state: &mut H) {
                #p::std::hash::Hash::hash(&self.0, state);
            }
        }
        #[automatically_derived]
        impl #p::std::str::FromStr for #ident {
            type Err = #root::InvalidId;
            fn from_str(text: &str) -> #p::Result<Self, #root::InvalidId> {
                #p::parse_id(#name, text)
            }
        }
        #[automatically_derived]
        impl #p::From<#value> for #ident {
            fn from(value: #value) -> Self { Self(value) }
        }
        #[automatically_derived]
        impl #p::serde::Serialize for #ident {
            fn serialize<S: #p::serde::Serializer>(&self, serializer: S) -> #p::Result<S::Ok, S::Error> {
                #p::serde::Serialize::serialize(&self.0, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> #p::serde::Deserialize<'de> for #ident {
            fn deserialize<D: #p::serde::Deserializer<'de>>(deserializer: D) -> #p::Result<Self, D::Error> {
                #p::Result::map(#p::serde::Deserialize::deserialize(deserializer), Self)
            }
        }
    }
}
