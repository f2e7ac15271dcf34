//! `registry!()` and `registry! { functions: […] }`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Ident, Path, Token, bracketed,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned as _,
};

use crate::{
    errors::Errors,
    function::{handshake, target},
    root::{Root, at, mixed},
};

pub(crate) fn registry(input: TokenStream) -> TokenStream {
    if input.is_empty() {
        return generated();
    }
    match syn::parse2::<ByHand>(input) {
        Ok(by_hand) => by_hand.expand(),
        Err(error) => error.to_compile_error(),
    }
}

/// The registry that build.rs wrote.
fn generated() -> TokenStream {
    let fault = match std::env::var_os("OUT_DIR") {
        None => Some(
            "this crate has no build script: write `build.rs` with `fn main() { lucent_codegen::build(); }` and add `lucent-codegen` to `[build-dependencies]`",
        ),
        Some(_) if !handshake() => Some(
            "build.rs made no registry for this target: call `lucent_codegen::build()` in its `main`; in a test, an example or documentation, list the functions: `registry! { functions: [withdraw] }`",
        ),
        Some(_) => None,
    };
    let root = Root::default();
    let p = root.private();
    let Some(target) = target().filter(|_| fault.is_none()) else {
        let message = fault.unwrap_or("this macro needs Cargo: `CARGO_CRATE_NAME` is not set");
        return syn::Error::new(Span::call_site(), message).to_compile_error();
    };
    let file = format!("/lucent_registry_{}.rs", target.replace(':', "_"));
    quote_spanned! {mixed()=>
        /// The functions of this crate, as build.rs found them.
        pub mod lucent_registry {
            #p::std::include!(#p::std::concat!(#p::std::env!("OUT_DIR"), #file));
        }
        #[allow(unused_imports)]
        pub use crate::lucent_registry::{Registry, registry};
    }
}

/// A registry by hand.
#[derive(Default)]
struct ByHand {
    functions: Vec<Path>,
    registries: Vec<Path>,
    root: Option<Path>,
}

impl Parse for ByHand {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        use syn::ext::IdentExt as _;
        let mut by_hand = Self::default();
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            match key.to_string().as_str() {
                "functions" => by_hand.functions = list(input)?,
                "registries" => by_hand.registries = list(input)?,
                "crate" => {
                    input.parse::<Token![=]>()?;
                    by_hand.root = Some(input.parse()?);
                }
                other => {
                    let message = format!(
                        "unknown list `{other}`: write `functions: [withdraw]` or `registries: [domain::lucent_registry]`"
                    );
                    return Err(syn::Error::new(key.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(by_hand)
    }
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<Path>> {
    input.parse::<Token![:]>()?;
    let content;
    bracketed!(content in input);
    let paths =
        Punctuated::<Path, Token![,]>::parse_terminated_with(&content, Path::parse_mod_style)?;
    Ok(paths.into_iter().collect())
}

impl ByHand {
    fn expand(&self) -> TokenStream {
        let mut errors = Errors::default();
        let functions = distinct(&self.functions, &mut errors);
        let registries = distinct(&self.registries, &mut errors);
        let root = match &self.root {
            Some(path) => quote!(#path),
            None => {
                let root = Root::default();
                quote!(#root)
            }
        };
        let p = quote!(#root::__private);
        let mixed = mixed();
        let includes = functions.iter().map(|path| {
            let at = at(path);
            quote_spanned!(at=> #[automatically_derived] impl #root::registry::Includes<#path> for Registry {})
        });
        let composed = registries.iter().map(|path| {
            let at = at(path);
            quote_spanned! {at=>
                #[automatically_derived] impl #root::registry::Includes<#path::Home> for Registry {}
                #[automatically_derived] impl #root::registry::Composes<#path::Home> for Registry {}
                const _: () = #path::is_whole::<Registry>();
            }
        });
        let listed = functions.iter().map(|path| {
            let at = at(path);
            quote_spanned!(at=> #root::registry::listed::<#path>())
        });
        let names = functions.iter().enumerate().skip(1).map(|(index, path)| {
            let name = quote!(#path).to_string().replace(' ', "");
            let message = format!("`{name}` has the registry name of an earlier function: write `name = \"…\"` in the attribute of one of them");
            let at = path.span().resolved_at(mixed);
            quote_spanned!(at=> const _: () = #p::std::assert!(#p::name_is_new(Registry::FUNCTIONS, #index), #message);)
        });
        // `Nothing` says why one mark is too few.
        let second_mark = (functions.is_empty() && registries.is_empty()).then(
            || quote_spanned!(mixed=> impl #root::registry::Includes<Registry> for Registry {}),
        );
        quote_spanned! {mixed=>
            #errors
            /// The functions of this application.
            #[derive(#p::std::clone::Clone, #p::std::marker::Copy, #p::std::fmt::Debug, #p::std::default::Default)]
            pub struct Registry;
            impl Registry {
                const FUNCTIONS: &'static [#root::registry::Function] = &[#(#listed),*];
            }
            #[automatically_derived]
            impl #root::registry::Registry for Registry {
                fn groups(&self) -> #p::Vec<&'static [#root::registry::Function]> {
                    #p::From::from([
                        Registry::FUNCTIONS,
                        #(#registries::FUNCTIONS, #registries::functions(),)*
                    ])
                }
            }
            #[automatically_derived]
            impl #root::registry::Includes<#root::registry::Nothing> for Registry {}
            #[automatically_derived]
            impl #root::registry::Composes<#root::registry::Nothing> for Registry {}
            #second_mark
            #(#includes)*
            #(#composed)*
            #(#names)*
            /// The functions of this application.
            #[allow(dead_code)]
            pub const fn registry() -> Registry { Registry }
        }
    }
}

/// The paths without those that stand twice.
fn distinct<'a>(paths: &'a [Path], errors: &mut Errors) -> Vec<&'a Path> {
    let mut distinct: Vec<&Path> = Vec::with_capacity(paths.len());
    for path in paths {
        if distinct.contains(&path) {
            errors.on(path, "this is listed twice: remove one");
        } else {
            distinct.push(path);
        }
    }
    distinct
}
