//! `on = …`: the event that a function runs on.
//!
//! Invariant: whether the path names an event or a variant of one is told from how it is written.

use lucent_syntax::ArgumentValue;
use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Expr, Path, Type};

use super::{parameter::Parameter, signature::Function};
use crate::{
    errors::Errors,
    input,
    root::{at, mixed},
};

/// `on = TradeExecuted` or `on = TradeEvent::Executed`.
pub(super) struct Trigger {
    pub(super) event: Type,
    /// The variant's whole path, if it is one.
    pub(super) variant: Option<Path>,
    /// Whether the function takes what the variant wraps.
    pub(super) wrapped: bool,
}

impl Trigger {
    pub(super) fn read(function: &Function, errors: &mut Errors) -> Option<Self> {
        let argument = function.arguments.find("on")?;
        const EXAMPLE: &str = "write `on = TradeExecuted` or `on = TradeEvent::Executed`";
        let path = match &argument.value {
            ArgumentValue::Value(value) => match &**value {
                Expr::Path(path) => Some(path.path.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(path) = path else {
            errors.at(argument.value_span(), format!("`on` takes an event: {EXAMPLE}"));
            return None;
        };
        let parameter = match &function.parameters[..] {
            [parameter] => parameter,
            [_, more, ..] => {
                errors.on(
                    &more.whole,
                    "a function that runs on an event takes the event alone: nobody else is there to pass more",
                );
                return None;
            }
            [] => return None,
        };
        parameter.expect_reference("a function reads the event that it runs on", errors);
        let trigger = Self::of(path, parameter);
        Some(trigger)
    }

    /// A type is written in camel case, as a variant is; a module is not.
    fn of(path: Path, parameter: &Parameter) -> Self {
        let count = path.segments.len();
        let before_last =
            path.segments.iter().rev().nth(1).map(|segment| input::plain(&segment.ident));
        let is_variant = before_last.is_some_and(|name| name.starts_with(char::is_uppercase));
        if !is_variant {
            let event = type_of(path);
            return Self { event, variant: None, wrapped: false };
        }
        let mut owner = path.clone();
        owner.segments = path.segments.iter().take(count - 1).cloned().collect();
        let event = type_of(owner);
        let wrapped = match (input::last_segment(&event), parameter.last_segment()) {
            (Some(owner), Some(parameter)) => owner != parameter,
            _ => false,
        };
        Self { event, variant: Some(path), wrapped }
    }

    /// Takes the variant, or what it wraps, out of the event; the whole event needs nothing.
    pub(super) fn select(&self, function: &Function) -> Option<TokenStream> {
        let variant = self.variant.as_ref()?;
        let place =
            function.parameters.first().map_or_else(mixed, |parameter| at(&parameter.whole));
        let (root, p) = (&function.root, function.root.private_at(place));
        let some = quote_spanned!(place=> #p::Option::Some);
        let none = quote_spanned!(mixed()=> #p::Option::None);
        let arms = match self.wrapped {
            true => quote_spanned!(place=> #variant(wrapped) => #some(wrapped), _ => #none),
            false => quote_spanned!(place=> #variant { .. } => #some(event), _ => #none),
        };
        let p = function.root.private();
        let event = &self.event;
        Some(quote_spanned! {mixed()=>
            #[allow(unreachable_patterns)]
            fn select(
                event: &#event,
            ) -> #p::Option<<Self::Shape as #root::function::Shape>::Input<'_>> {
                match event { #arms }
            }
        })
    }
}

fn type_of(path: Path) -> Type {
    Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path })
}
