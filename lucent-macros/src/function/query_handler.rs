//! `#[query_handler]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Index, Type, spanned::Spanned as _};

use super::{
    parameter::{Parameter, Passing},
    signature::Function,
};
use crate::{
    errors::Errors,
    root::{Root, at, mixed},
};

pub(super) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Some((query, asked)) = roles(function, errors) else {
        return TokenStream::new();
    };
    let Function { root, listing, .. } = function;
    let mixed = mixed();
    let query = &query.ty;
    if !errors.is_empty() {
        return TokenStream::new();
    }
    let output = function.output();
    let cfgs = listing.cfgs();
    let home = listing.home();
    let of = at(query);
    let header = {
        let root = root.at(of);
        quote_spanned!(of=> impl #root::Answered for #query)
    };
    let place = at(&output);
    let injected = Injected::new(root, asked);
    let (inject, pass, checks, reads) =
        (injected.inject(), injected.pass(), injected.checks(), injected.reads());
    let ident = &function.signature.ident;
    let wait = function.signature.asyncness.map(|keyword| {
        let at = keyword.span().resolved_at(mixed);
        quote_spanned!(at=> .await)
    });
    let describe = quote_spanned!(of=> query_function::<#query>);
    let listed = listing.listed_as(root, &describe, &checks);
    // What is wrong with the return type is reported there.
    let (root, p) = (root.at(place), root.private_at(place));
    let outcome = quote_spanned!(place=> <#output as #root::QueryOutcome>);
    let body = quote_spanned! {place=>
        type Answer = #outcome::Answer;
        type Error = #outcome::Error;
        async fn answer(self, shell: &#root::Shell) -> #p::Result<Self::Answer, Self::Error> {
            #inject
            #outcome::into_result(#ident(self, #pass) #wait)
        }
    };
    quote_spanned! {mixed=>
        #cfgs
        #[automatically_derived]
        #header {
            type Home = #home;
            #body
            fn reads() -> #p::Vec<&'static str> { #reads }
        }
        #listed
    }
}

fn roles<'a>(
    function: &'a Function,
    errors: &mut Errors,
) -> Option<(&'a Parameter, Vec<&'a Type>)> {
    let Some((query, asked)) = function.parameters.split_first() else {
        let ident = &function.signature.ident;
        errors.at(
            ident.span(),
            format!("`{ident}` answers no query: write `fn {ident}(query: SomeQuery, view: &View<SomeReadModel>) -> Result<Answer, ReadError>`"),
        );
        return None;
    };
    if !matches!(query.passing, Passing::Value) {
        let name = query.name();
        errors
            .on(&query.whole, format!("a query handler takes its query by value: write `{name}`"));
    }
    Some((query, asked_for(asked, errors)))
}

/// The parameters that the shell supplies.
pub(super) fn asked_for<'a>(parameters: &'a [Parameter], errors: &mut Errors) -> Vec<&'a Type> {
    for parameter in parameters {
        parameter.expect_reference("what the shell supplies comes by reference", errors);
    }
    parameters.iter().map(|parameter| &parameter.ty).collect()
}

/// The parameters that the shell supplies, in an expansion.
pub(super) struct Injected<'a> {
    root: &'a Root,
    types: Vec<&'a Type>,
}

impl<'a> Injected<'a> {
    pub(super) fn new(root: &'a Root, types: Vec<&'a Type>) -> Self {
        Self { root, types }
    }

    /// Makes them, as a local tuple.
    pub(super) fn inject(&self) -> TokenStream {
        let mixed = mixed();
        if self.types.is_empty() {
            return quote_spanned!(mixed=> let _ = shell;);
        }
        let root = self.root;
        let makes = self.types.iter().map(|ty| {
            let at = at(ty);
            let root = root.at(at);
            quote_spanned!(at=> <#ty as #root::Inject>::inject(shell)?,)
        });
        quote_spanned!(mixed=> let injected = (#(#makes)*);)
    }

    /// Passes them to the function.
    pub(super) fn pass(&self) -> TokenStream {
        let mixed = mixed();
        let passes = (0_u32..).zip(&self.types).map(|(index, ty)| {
            let index = Index { index, span: mixed };
            let at = at(ty);
            quote_spanned!(at=> &injected.#index,)
        });
        quote!(#(#passes)*)
    }

    /// A function that checks that they can be made.
    pub(super) fn checks(&self) -> TokenStream {
        let mixed = mixed();
        let p = self.root.private();
        let root = self.root;
        let checks = self.types.iter().map(|ty| {
            let at = at(ty);
            let root = root.at(at);
            quote_spanned!(at=> <#ty as #root::Inject>::check(shell)?;)
        });
        let unused = self.types.is_empty().then(|| quote_spanned!(mixed=> let _ = shell;));
        quote_spanned!(mixed=> |shell: &#root::Shell| { #unused #(#checks)* #p::Ok(()) })
    }

    /// The projections that they read from.
    fn reads(&self) -> TokenStream {
        let mixed = mixed();
        let p = self.root.private();
        let root = self.root;
        let reads = self.types.iter().map(|ty| {
            let at = at(ty);
            let root = root.at(at);
            quote_spanned!(at=> <#ty as #root::Inject>::reads())
        });
        quote_spanned!(mixed=> #p::reads_of([#(#reads),*]))
    }
}
