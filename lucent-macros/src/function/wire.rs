//! How the calls of a `#[function]` travel to other nodes.
//!
//! Invariant: whether they can is asked of the compiler, by which of two functions of one name it
//! takes; a type that cannot be written and read is no error.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
};
use crate::root::mixed;

/// How calls travel, if the compiler finds that what they take and give can be written and read.
pub(super) fn wire(function: &Function) -> TokenStream {
    let mixed = mixed();
    let (root, p) = (&function.root, function.root.private());
    let owned = function.parameters.iter().map(|Parameter { ty, whole, passing }| match passing {
        Passing::Value => whole.to_token_stream(),
        Passing::Reference | Passing::Mutable(_) => quote_spanned!(mixed=> #p::Box<#ty>),
    });
    let owned: Vec<TokenStream> = owned.collect();
    let borrow = |place: TokenStream, parameter: &Parameter| match parameter.passing {
        Passing::Value => quote_spanned!(mixed=> #p::Clone::clone(&#place)),
        Passing::Reference | Passing::Mutable(_) => quote_spanned!(mixed=> &*#place),
    };
    let (owned, borrowed) = match (&owned[..], &function.parameters[..]) {
        ([owned], [parameter]) => {
            (owned.clone(), borrow(quote_spanned!(mixed=> (*owned)), parameter))
        }
        (several, parameters) => {
            let fields = parameters.iter().enumerate().map(|(index, parameter)| {
                let index = syn::Index::from(index);
                borrow(quote_spanned!(mixed=> owned.#index), parameter)
            });
            (quote!((#(#several),*)), quote_spanned!(mixed=> (#(#fields),*)))
        }
    };
    quote_spanned! {mixed=>
        fn wire() -> #p::Travels<Self> {
            #[allow(unused_imports)]
            use #p::StaysHere as _;
            #p::Probe::<#owned, <Self as #root::function::Routed>::Output>::wire::<Self>(|owned| #borrowed)
        }
    }
}
