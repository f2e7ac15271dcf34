//! An annotated function, read as far as its body.
//!
//! Invariant: the body is never parsed, so that an unfinished one still expands.

use lucent_syntax::{Arguments, FunctionKind, fingerprint};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, FnArg, ReturnType, Safety, Signature, Visibility,
    parse::{ParseStream, Parser as _},
    spanned::Spanned as _,
};

use super::{listing::Listing, parameter::Parameter};
use crate::{
    errors::Errors,
    input,
    root::{Root, at},
};

/// An annotated function.
pub(super) struct Function {
    pub(super) root: Root,
    pub(super) arguments: Arguments,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
    pub(super) parameters: Vec<Parameter>,
    pub(super) listing: Listing,
}

impl Function {
    /// Reads the function; `None` if it is not one.
    pub(super) fn parse(
        kind: FunctionKind,
        tokens: &TokenStream,
        item: TokenStream,
        errors: &mut Errors,
    ) -> Option<Self> {
        let place = format!("#[{kind}]");
        let header = without_body(item);
        let raw = signature_tokens(header.clone());
        let parsed = match parse_header.parse2(header) {
            Ok(parsed) => Some(parsed),
            // A signature that is wrong in itself is the compiler's to report.
            Err(_) if raw.clone().into_iter().any(is_fn) => None,
            Err(_) => {
                let message = format!("`{place}` belongs on a function");
                match raw.into_iter().next() {
                    Some(first) => errors.at(first.span(), message),
                    None => errors.at(proc_macro2::Span::call_site(), message),
                }
                return None;
            }
        };
        let (attributes, visibility, signature) = parsed?;
        let arguments = errors.take(Arguments::parse_tokens(tokens.clone())).unwrap_or_default();
        arguments.check_keys(&place, known_keys(kind), errors.list());
        let root = Root::new(&arguments, errors);
        input::text(&arguments, "name", errors);
        check(kind, &signature, errors);
        let parameters = parameters(&signature, errors);
        let cfgs = attributes.into_iter().filter(|found| found.path().is_ident("cfg"));
        let listing =
            Listing::new(&arguments, &signature.ident, fingerprint(tokens, &raw), cfgs.collect());
        Some(Self { root, arguments, visibility, signature, parameters, listing })
    }

    /// Whether it stands in an `impl` or a `trait`.
    pub(super) fn is_method(&self) -> bool {
        self.signature.receiver().is_some()
    }

    /// The return type, with its place.
    pub(super) fn output(&self) -> TokenStream {
        match &self.signature.output {
            ReturnType::Type(_, ty) => quote!(#ty),
            ReturnType::Default => {
                let at = at(&self.signature.ident);
                quote_spanned!(at=> ())
            }
        }
    }
}

fn known_keys(kind: FunctionKind) -> &'static [&'static str] {
    match kind {
        FunctionKind::Projector => {
            &["name", "version", "inline", "live", "key", "partitions", "crate"]
        }
        FunctionKind::EventHandler => &["name", "partitions", "checkpoint", "crate"],
        FunctionKind::Function => super::routed::KEYS,
        _ => &["name", "crate"],
    }
}

fn parse_header(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, Visibility, Signature)> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    let signature = input.parse()?;
    input.parse::<TokenStream>()?;
    Ok((attributes, visibility, signature))
}

/// The tokens before the body, which a parser would copy as a whole before it begins.
fn without_body(item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if matches!(tokens.last(), Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace)
    {
        tokens.pop();
    }
    tokens.into_iter().collect()
}

/// The tokens from after the outer attributes and the visibility up to the body.
fn signature_tokens(header: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = header.into_iter().collect();
    let mut start = 0;
    loop {
        match (tokens.get(start), tokens.get(start + 1)) {
            (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(_))) if hash.as_char() == '#' => {
                start += 2;
            }
            (Some(TokenTree::Ident(word)), Some(TokenTree::Group(place)))
                if word == "pub" && place.delimiter() == Delimiter::Parenthesis =>
            {
                start += 2;
            }
            (Some(TokenTree::Ident(word)), _) if word == "pub" => start += 1,
            // What `$vis:vis` of a `macro_rules!` leaves.
            (Some(TokenTree::Group(group)), _) if group.delimiter() == Delimiter::None => {
                start += 1;
            }
            _ => break,
        }
    }
    tokens.into_iter().skip(start).collect()
}

fn is_fn(token: TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word == "fn")
}

/// Reports what no annotated function may be.
fn check(kind: FunctionKind, signature: &Signature, errors: &mut Errors) {
    let place = format!("#[{kind}]");
    let pure = matches!(
        kind,
        FunctionKind::CommandHandler | FunctionKind::Projector | FunctionKind::Function
    );
    if let (true, Some(keyword)) = (pure, &signature.asyncness) {
        errors.at(
            keyword.span(),
            format!("a function with `{place}` is pure: remove `async`, and do the effect in an `#[event_handler]`"),
        );
    }
    if let Safety::Unsafe(keyword) = &signature.safety {
        errors.at(
            keyword.span(),
            format!("a function with `{place}` is safe to call: remove `unsafe`"),
        );
    }
    if let Some(abi) = &signature.abi {
        errors.on(abi, format!("a function with `{place}` is called by Rust alone: remove this"));
    }
    if let Some(variadic) = &signature.variadic {
        errors.on(variadic, "list the parameters one by one");
    }
    let generic = signature.generics.params.iter().find_map(|parameter| match parameter {
        syn::GenericParam::Type(parameter) => Some(parameter.ident.span()),
        syn::GenericParam::Const(parameter) => Some(parameter.ident.span()),
        syn::GenericParam::Lifetime(_) => None,
    });
    if let Some(span) = generic {
        errors.at(
            span,
            format!(
                "a function with `{place}` has no type parameters: write one function per type"
            ),
        );
    }
    if let Some(span) = input::impl_keyword(&signature.output) {
        errors.at(span, format!("a function with `{place}` names the type that it returns: write the type instead of `impl …`"));
    }
}

fn parameters(signature: &Signature, errors: &mut Errors) -> Vec<Parameter> {
    let mut parameters = Vec::with_capacity(signature.inputs.len());
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => errors.at(
                receiver.span(),
                "annotated functions are free functions: move this one out of the `impl`",
            ),
            FnArg::Typed(typed) => {
                if let Some(span) = input::impl_keyword(&typed.ty) {
                    errors.at(
                        span,
                        "a parameter of an annotated function names its type: write the type instead of `impl …`",
                    );
                }
                parameters.push(Parameter::new((*typed.ty).clone()));
            }
        }
    }
    parameters
}
