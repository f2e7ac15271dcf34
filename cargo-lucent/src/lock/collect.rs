//! The shapes that the code has now.
//!
//! Invariant: packages outside of the workspace have locks of their own.

use std::collections::BTreeSet;

use super::{Entry, Kind};
use crate::{
    diagnostic::Place,
    shape::{Body, Reader},
    survey::{Function, Survey, TypeDef, commands, events, snapshots, views},
};

/// Every shape to be locked, sorted.
pub(crate) fn collect(survey: &Survey) -> Vec<Entry> {
    let mut reader = Reader::new(survey);
    let mut entries = Vec::new();
    let packages = &survey.workspace.packages;
    let views: BTreeSet<Place> = views(survey).iter().map(|view| view.of.place.clone()).collect();
    let mut add = |kind, package: usize, name: &str, version, shape: String, place| {
        let located = &packages[package];
        if located.is_checked() {
            let name = format!("{}/{name}", located.package.name);
            entries.push(Entry { kind, name, version, shape, place });
        }
    };
    for event in events(survey) {
        let body = reader.fields_of(event.set, event.fields, event.attributes);
        let name = if event.ident == event.set.ident {
            event.name.clone()
        } else {
            format!("{}.{}", event.set.ident, event.name)
        };
        add(Kind::Event, event.set.package, &name, event.version, body.to_string(), event.place);
    }
    for command in commands(survey) {
        let shape = reader.definition(command.of).to_string();
        add(Kind::Command, command.of.package, &command.name, 1, shape, command.of.place.clone());
    }
    for snapshot in snapshots(survey) {
        let shape = reader.definition(snapshot.of).to_string();
        let place = snapshot.of.place.clone();
        add(Kind::Snapshot, snapshot.of.package, &snapshot.name, snapshot.version, shape, place);
    }
    for function in &survey.functions {
        match function.kind.as_str() {
            "function" => {
                let shape = signature(&mut reader, function);
                let name = name_of(function);
                let (version, place) = (function.version(), function.place.clone());
                add(Kind::Function, function.package, &name, version, shape, place);
            }
            "projector" => {
                let Some(view) = view_of(survey, &views, function) else {
                    continue;
                };
                let shape = reader.definition(view).to_string();
                let (version, place) = (function.version(), function.place.clone());
                add(Kind::View, function.package, &function.name, version, shape, place);
            }
            _ => {}
        }
    }
    entries.sort();
    entries.dedup();
    entries
}

/// A function's name without its version, and with its variant: `fee` of `fee@v2`, `fee#bold` of
/// `fee@v2-bold`.
pub(crate) fn name_of(function: &Function) -> String {
    let name = match function.arguments.find("of") {
        Some(_) => function.name.split("@v").next().unwrap_or_default(),
        None => &function.name,
    };
    match function.arguments.string("variant") {
        Some(variant) => format!("{name}#{variant}"),
        None => name.to_owned(),
    }
}

/// The read model that a projector folds into.
fn view_of<'a>(
    survey: &'a Survey,
    views: &BTreeSet<Place>,
    function: &Function,
) -> Option<&'a TypeDef> {
    let crate_name = &function.target.crate_name;
    let found = function.inputs().find_map(|ty| match ty {
        syn::Type::Reference(reference) if reference.mutability.is_some() => match &*reference.elem
        {
            syn::Type::Path(path) => survey.lookup(&path.path, crate_name, &function.module),
            _ => None,
        },
        _ => None,
    })?;
    let def = &survey.types[found];
    views.contains(&def.place).then_some(def)
}

/// What goes in and what comes out, spelled out.
pub(crate) fn signature(reader: &mut Reader<'_>, function: &Function) -> String {
    let crate_name = &function.target.crate_name;
    let inputs: Vec<String> = function
        .inputs()
        .map(|ty| reader.type_in(ty, crate_name, &function.module).to_string())
        .collect();
    let output = match &function.signature.output {
        syn::ReturnType::Default => Body::Unit.to_string(),
        syn::ReturnType::Type(_, ty) => {
            reader.type_in(ty, crate_name, &function.module).to_string()
        }
    };
    format!("({}) -> {output}", inputs.join(", "))
}
