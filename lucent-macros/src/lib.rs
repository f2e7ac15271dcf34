//! Derive macros and attributes of Lucent.
//!
//! Use them through `lucent_core`, which exports all of them. Invariant: an expansion holds no
//! async runtime, no global and no unsafe code, and every one of them can be written by hand; each
//! macro's documentation shows how.

mod derive;
mod errors;
mod evolve;
mod function;
mod guard;
mod input;
mod registry;
mod root;

use proc_macro::TokenStream;

use lucent_syntax::FunctionKind;

use crate::guard::{attribute, derive};

/// AggregateId.
#[proc_macro_derive(AggregateId, attributes(aggregate_id))]
pub fn derive_aggregate_id(input: TokenStream) -> TokenStream {
    derive(input, derive::aggregate_id)
}

/// Event.
#[proc_macro_derive(Event, attributes(event, tag))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    derive(input, derive::event)
}

/// Aggregate.
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    derive(input, derive::aggregate)
}

/// Command.
#[proc_macro_derive(Command, attributes(command, id))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    derive(input, derive::command)
}

/// Query.
#[proc_macro_derive(Query, attributes(query))]
pub fn derive_query(input: TokenStream) -> TokenStream {
    derive(input, derive::query)
}

/// ReadModel.
#[proc_macro_derive(ReadModel, attributes(read_model))]
pub fn derive_read_model(input: TokenStream) -> TokenStream {
    derive(input, derive::read_model)
}

/// Says how an event changes an aggregate: the fold, as a function.
///
/// The parameters are the state by `&mut` and the event by `&`. The function may be a projector at
/// the same time, if the state is a read model too.
///
/// ```
/// use lucent_core::prelude::*;
///
/// # #[derive(AggregateId)]
/// # pub struct LampId(Uuid);
/// # #[derive(Debug, Serialize, Deserialize, Event)]
/// # pub enum LampEvent { Switched { on: bool } }
/// #[derive(Debug, Default, Aggregate)]
/// pub struct Lamp {
///     on: bool,
/// }
///
/// #[evolve]
/// fn apply(lamp: &mut Lamp, event: &LampEvent) {
///     match event {
///         LampEvent::Switched { on } => lamp.on = *on,
///     }
/// }
/// ```
///
/// # What this expands to, and how to do it by hand
///
/// ```text
/// impl Evolve for Lamp {
///     fn evolve(&mut self, event: &LampEvent) {
///         apply(self, event)
///     }
/// }
/// ```
#[proc_macro_attribute]
pub fn evolve(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guard::plain_attribute(arguments, item, evolve::evolve)
}

/// CommandHandler.
#[proc_macro_attribute]
pub fn command_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::CommandHandler, arguments, item)
}

/// QueryHandler.
#[proc_macro_attribute]
pub fn query_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::QueryHandler, arguments, item)
}

/// Projector.
#[proc_macro_attribute]
pub fn projector(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::Projector, arguments, item)
}

/// EventHandler.
#[proc_macro_attribute]
pub fn event_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::EventHandler, arguments, item)
}

/// Registry.
#[proc_macro]
pub fn registry(input: TokenStream) -> TokenStream {
    guard::function(input, registry::registry)
}
