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

#[doc = include_str!("../docs/aggregate_id.md")]
#[proc_macro_derive(AggregateId, attributes(aggregate_id))]
pub fn derive_aggregate_id(input: TokenStream) -> TokenStream {
    derive(input, derive::aggregate_id)
}

#[doc = include_str!("../docs/event.md")]
#[proc_macro_derive(Event, attributes(event, tag))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    derive(input, derive::event)
}

#[doc = include_str!("../docs/aggregate.md")]
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    derive(input, derive::aggregate)
}

#[doc = include_str!("../docs/command.md")]
#[proc_macro_derive(Command, attributes(command, id, tag))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    derive(input, derive::command)
}

#[doc = include_str!("../docs/decision_model.md")]
#[proc_macro_derive(DecisionModel, attributes(decision_model, tag))]
pub fn derive_decision_model(input: TokenStream) -> TokenStream {
    derive(input, derive::decision_model)
}

#[doc = include_str!("../docs/query.md")]
#[proc_macro_derive(Query, attributes(query))]
pub fn derive_query(input: TokenStream) -> TokenStream {
    derive(input, derive::query)
}

#[doc = include_str!("../docs/read_model.md")]
#[proc_macro_derive(ReadModel, attributes(read_model))]
pub fn derive_read_model(input: TokenStream) -> TokenStream {
    derive(input, derive::read_model)
}

#[doc = include_str!("../docs/evolve.md")]
#[proc_macro_attribute]
pub fn evolve(arguments: TokenStream, item: TokenStream) -> TokenStream {
    guard::plain_attribute(arguments, item, evolve::evolve)
}

#[doc = include_str!("../docs/command_handler.md")]
#[proc_macro_attribute]
pub fn command_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::CommandHandler, arguments, item)
}

#[doc = include_str!("../docs/query_handler.md")]
#[proc_macro_attribute]
pub fn query_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::QueryHandler, arguments, item)
}

#[doc = include_str!("../docs/projector.md")]
#[proc_macro_attribute]
pub fn projector(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::Projector, arguments, item)
}

#[doc = include_str!("../docs/event_handler.md")]
#[proc_macro_attribute]
pub fn event_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::EventHandler, arguments, item)
}

#[doc = include_str!("../docs/function.md")]
#[proc_macro_attribute]
pub fn function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(FunctionKind::Function, arguments, item)
}

#[doc = include_str!("../docs/registry.md")]
#[proc_macro]
pub fn registry(input: TokenStream) -> TokenStream {
    guard::function(input, registry::registry)
}
