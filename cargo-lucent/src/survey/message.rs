//! Events, commands, queries, read models and snapshots among the types.

use lucent_syntax::{ArgumentValue, snake_case};
use syn::{Fields, Lit, ext::IdentExt as _};

use super::{Survey, TypeBody, TypeDef, arguments, number};
use crate::diagnostic::Place;

/// One type of event: a variant, or a struct.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    /// The enum, or the struct itself.
    pub(crate) set: &'a TypeDef,
    /// The name under which it is stored.
    pub(crate) name: String,
    /// Its name in the source.
    pub(crate) ident: String,
    pub(crate) version: u32,
    pub(crate) fields: &'a Fields,
    pub(crate) attributes: &'a [syn::Attribute],
    pub(crate) place: Place,
    pub(crate) docs: String,
}

/// A command, a query or a read model.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) of: &'a TypeDef,
    pub(crate) name: String,
}

/// The state of an aggregate that is kept between two reads.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot<'a> {
    pub(crate) of: &'a TypeDef,
    pub(crate) name: String,
    pub(crate) version: u32,
}

/// Every type of event, in the order of the sources.
pub(crate) fn events(survey: &Survey) -> Vec<Event<'_>> {
    let sets = listed(survey, "Event");
    sets.flat_map(|set| match &set.body {
        TypeBody::Enum(item) => item
            .variants
            .iter()
            .map(|variant| {
                let place = Place::of(&set.place.file, variant.ident.span());
                event(set, &variant.ident, &variant.fields, &variant.attrs, place)
            })
            .collect(),
        TypeBody::Struct(item) => {
            vec![event(set, &item.ident, &item.fields, &item.attrs, set.place.clone())]
        }
        TypeBody::Alias(_) => Vec::new(),
    })
    .collect()
}

/// The types that derive something, in packages that are listed.
fn listed<'a>(survey: &'a Survey, derive: &str) -> impl Iterator<Item = &'a TypeDef> {
    survey.types.iter().filter(move |def| {
        def.derives(derive) && survey.workspace.packages[def.package].is_listed()
    })
}

fn event<'a>(
    set: &'a TypeDef,
    ident: &syn::Ident,
    fields: &'a Fields,
    attributes: &'a [syn::Attribute],
    place: Place,
) -> Event<'a> {
    let arguments = arguments(attributes, "event");
    let ident = ident.unraw().to_string();
    Event {
        set,
        name: arguments.string("name").unwrap_or_else(|| ident.clone()),
        ident,
        version: number(&arguments, "version").unwrap_or(1),
        fields,
        attributes,
        place,
        docs: super::attribute::docs(attributes),
    }
}

/// The stored names that a set of events passes over.
pub(crate) fn retired(set: &TypeDef) -> Vec<String> {
    match arguments(set.attributes(), "event").find("retired").map(|found| found.value.clone()) {
        Some(ArgumentValue::Literals(literals)) => literals
            .iter()
            .filter_map(|literal| match literal {
                Lit::Str(name) => Some(name.value()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn commands(survey: &Survey) -> Vec<Message<'_>> {
    messages(survey, "Command", "command")
}

pub(crate) fn queries(survey: &Survey) -> Vec<Message<'_>> {
    messages(survey, "Query", "query")
}

/// The read models, by their stored names.
pub(crate) fn views(survey: &Survey) -> Vec<Message<'_>> {
    let mut views = messages(survey, "ReadModel", "read_model");
    for view in &mut views {
        if arguments(view.of.attributes(), "read_model").string("name").is_none() {
            view.name = snake_case(&view.name);
        }
    }
    views
}

pub(crate) fn aggregates(survey: &Survey) -> Vec<Message<'_>> {
    messages(survey, "Aggregate", "aggregate")
}

/// States that are made of events with common tags.
pub(crate) fn decision_models(survey: &Survey) -> Vec<Message<'_>> {
    messages(survey, "DecisionModel", "decision_model")
}

fn messages<'a>(survey: &'a Survey, derive: &str, attribute: &str) -> Vec<Message<'a>> {
    listed(survey, derive)
        .map(|of| {
            let name = arguments(of.attributes(), attribute).string("name");
            Message { of, name: name.unwrap_or_else(|| of.ident.clone()) }
        })
        .collect()
}

/// The aggregates that take snapshots.
pub(crate) fn snapshots(survey: &Survey) -> Vec<Snapshot<'_>> {
    let all = aggregates(survey).into_iter();
    all.filter_map(|Message { of, name }| {
        let arguments = arguments(of.attributes(), "aggregate");
        let ArgumentValue::List(list) = &arguments.find("snapshot")?.value else {
            return None;
        };
        Some(Snapshot { of, name, version: number(list, "version").unwrap_or(1) })
    })
    .collect()
}
