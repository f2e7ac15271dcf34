//! The implementation of `Event`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::{Ident, Member};

use super::{Parsed, shape::Shape};
use crate::{
    input,
    root::{Root, at, mixed},
};

pub(super) fn event(root: &Root, ident: &Ident, parsed: &Parsed) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let name = input::plain(ident);
    let types = parsed.shapes.iter().map(|Shape { name, version, .. }| {
        quote_spanned!(mixed=> #root::EventType { name: #name, version: #version })
    });
    let tag_keys = tag_keys(parsed);
    let retired = (!parsed.retired.is_empty()).then(|| {
        let names = &parsed.retired;
        quote_spanned!(mixed=> const RETIRED: &'static [&'static str] = &[#(#names),*];)
    });
    let event_type = event_type(parsed);
    let tags = tags(root, parsed);
    let arms = parsed
        .shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| arm(root, ident, parsed, index, shape));
    let encode = format_ident!(
        "{}",
        if parsed.is_enum { "encode_variant" } else { "encode_struct" },
        span = mixed
    );
    let of = at(ident);
    let encode = {
        let p = root.private_at(of);
        quote_spanned!(of=> #p::#encode(self))
    };
    let header = quote_spanned!(of=> #ident);
    quote_spanned! {mixed=>
        #[automatically_derived]
        impl #root::Event for #header {
            const NAME: &'static str = #name;
            const TYPES: &'static [#root::EventType] = &[#(#types),*];
            const TAG_KEYS: &'static [&'static [&'static str]] = #tag_keys;
            #retired
            fn event_type(&self) -> #root::EventType { #event_type }
            #tags
            fn encode(&self) -> #p::Result<#root::Payload, #root::EncodeError> { #encode }
            fn decode_payload(
                name: &str,
                version: u32,
                payload: &#root::Payload,
            ) -> #p::Result<Self, #root::DecodeFault> {
                match name {
                    #(#arms)*
                    _ => #p::Err(#root::DecodeFault::UnknownType),
                }
            }
        }
    }
}

/// An implementation that only keeps the compiler from reporting the same mistake again.
pub(super) fn fallback(root: &Root, ident: &Ident) -> TokenStream {
    let p = root.private();
    let name = input::plain(ident);
    quote_spanned! {mixed()=>
        #[automatically_derived]
        impl #root::Event for #ident {
            const NAME: &'static str = #name;
            const TYPES: &'static [#root::EventType] = &[];
            fn event_type(&self) -> #root::EventType { #p::std::unreachable!() }
            fn encode(&self) -> #p::Result<#root::Payload, #root::EncodeError> {
                #p::std::unreachable!()
            }
            fn decode_payload(
                _: &str,
                _: u32,
                _: &#root::Payload,
            ) -> #p::Result<Self, #root::DecodeFault> {
                #p::std::unreachable!()
            }
        }
    }
}

fn tag_keys(parsed: &Parsed) -> TokenStream {
    let keys = parsed.shapes.iter().map(|shape| {
        let keys = shape.tags.iter().map(|tag| &tag.key);
        quote_spanned!(mixed()=> &[#(#keys),*])
    });
    quote_spanned!(mixed()=> &[#(#keys),*])
}

fn event_type(parsed: &Parsed) -> TokenStream {
    let mixed = mixed();
    if !parsed.is_enum {
        return quote_spanned!(mixed=> Self::TYPES[0]);
    }
    if parsed.shapes.is_empty() {
        return quote_spanned!(mixed=> match *self {});
    }
    let arms =
        parsed.shapes.iter().enumerate().map(
            |(index, Shape { ident, .. })| quote_spanned!(mixed=> Self::#ident { .. } => #index,),
        );
    quote_spanned!(mixed=> Self::TYPES[match self { #(#arms)* }])
}

fn tags(root: &Root, parsed: &Parsed) -> Option<TokenStream> {
    if parsed.shapes.iter().all(|shape| shape.tags.is_empty()) {
        return None;
    }
    let mixed = mixed();
    let p = root.private();
    let add = |shape: &Shape| -> TokenStream {
        let adds = shape.tags.iter().map(|tag| {
            let key = &tag.key;
            let at = at(&tag.ty);
            let value = if parsed.is_enum {
                let mut local = local(&tag.member);
                local.set_span(at);
                quote_spanned!(at=> #local)
            } else {
                let member = &tag.member;
                quote_spanned!(at=> &self.#member)
            };
            let p = root.private_at(at);
            quote_spanned!(at=> #p::add_tags(&mut tags, #key, #value)?;)
        });
        quote_spanned!(mixed=> #(#adds)*)
    };
    let body = if parsed.is_enum {
        let tagged = parsed.shapes.iter().filter(|shape| !shape.tags.is_empty());
        let arms = tagged.map(|shape| {
            let ident = &shape.ident;
            let members = shape.tags.iter().map(|tag| &tag.member);
            let locals = shape.tags.iter().map(|tag| local(&tag.member));
            let adds = add(shape);
            quote_spanned!(mixed=> Self::#ident { #(#members: #locals,)* .. } => { #adds })
        });
        let rest = parsed.shapes.iter().any(|shape| shape.tags.is_empty());
        let rest = rest.then(|| quote_spanned!(mixed=> _ => {}));
        quote_spanned!(mixed=> match self { #(#arms)* #rest })
    } else {
        parsed.shapes.first().map(add)?
    };
    Some(quote_spanned! {mixed=>
        fn tags(&self) -> #p::Result<#p::Vec<#root::Tag>, #root::InvalidTag> {
            let mut tags = #p::Vec::new();
            #body
            #p::Ok(tags)
        }
    })
}

fn local(member: &Member) -> Ident {
    match member {
        Member::Named(ident) => format_ident!("field_{}", input::plain(ident), span = mixed()),
        Member::Unnamed(index) => format_ident!("field_{}", index.index, span = mixed()),
    }
}

fn arm(root: &Root, ident: &Ident, parsed: &Parsed, index: usize, shape: &Shape) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let Shape { name, version, old, .. } = shape;
    let old = (1_u32..).zip(old).map(|(number, ty)| {
        let at = at(ty);
        let p = root.private_at(at);
        quote_spanned!(at=> #number => #p::upcast::<#ty, Self>(#number, payload),)
    });
    let of = at(ident);
    let decoder = root.private_at(of);
    let decode = if parsed.is_enum {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        quote_spanned!(of=> #decoder::decode_variant(#index, #version, payload))
    } else {
        quote_spanned!(of=> #decoder::decode_struct(#version, payload))
    };
    quote_spanned! {mixed=>
        #name => match version {
            #(#old)*
            #version => #decode,
            found => #p::unknown_version(found, #version),
        },
    }
}
