//! The manifest: everything that was found, as JSON.
//!
//! Invariant: the format is numbered, keys and entries have a stable order. A hash is that of the
//! shape's text, so equal hashes mean equal shapes as far as the sources say.

use lucent_syntax::{ArgumentValue, Arguments};
use quote::ToTokens as _;
use serde_json::{Map, Value, json};

use crate::{
    diagnostic::Place,
    lock,
    shape::Reader,
    survey::{
        Function, Message, Survey, aggregates, commands, decision_models, events, queries,
        snapshots, views,
    },
};

/// The manifest of a workspace.
pub(crate) fn manifest(survey: &Survey) -> Value {
    let mut reader = Reader::new(survey);
    let packages: Vec<Value> = survey
        .workspace
        .packages
        .iter()
        .filter(|located| located.is_listed())
        .map(|located| {
            json!({
                "name": located.package.name,
                "version": located.version,
                "manifest": survey.workspace.shown(&located.manifest),
                "checked": located.is_checked(),
                "targets": located.package.targets.iter().map(lucent_codegen::Target::id).collect::<Vec<_>>(),
            })
        })
        .collect();
    let package = |index: usize| survey.workspace.packages[index].package.name.as_str();
    let functions: Vec<Value> =
        sorted(survey.functions.iter().collect(), |function| &function.place)
            .into_iter()
            .map(|function| self::function(&mut reader, package(function.package), function))
            .collect();
    let events: Vec<Value> = events(survey)
        .iter()
        .map(|event| {
            let shape = reader.fields_of(event.set, event.fields, event.attributes).to_string();
            json!({
                "name": event.name,
                "version": event.version,
                "set": event.set.ident,
                "package": package(event.set.package),
                "shape": shape,
                "hash": hash(&shape),
                "docs": event.docs,
                "place": place(&event.place),
            })
        })
        .collect();
    let mut message = |message: &Message<'_>| {
        let shape = reader.definition(message.of).to_string();
        json!({
            "name": message.name,
            "type": message.of.ident,
            "package": package(message.of.package),
            "shape": shape,
            "hash": hash(&shape),
            "docs": message.of.docs,
            "place": place(&message.of.place),
        })
    };
    let mut list =
        |messages: Vec<Message<'_>>| messages.iter().map(&mut message).collect::<Vec<_>>();
    let snapshots: Map<String, Value> = snapshots(survey)
        .iter()
        .map(|snapshot| (snapshot.name.clone(), json!(snapshot.version)))
        .collect();
    json!({
        "format": FORMAT,
        "packages": packages,
        "functions": functions,
        "aggregates": list(aggregates(survey)),
        "snapshots": snapshots,
        "decision_models": list(decision_models(survey)),
        "commands": list(commands(survey)),
        "events": events,
        "queries": list(queries(survey)),
        "read_models": list(views(survey)),
    })
}

fn function(reader: &mut Reader<'_>, package: &str, function: &Function) -> Value {
    let crate_name = &function.target.crate_name;
    let inputs: Vec<Value> = function
        .inputs()
        .map(|ty| {
            let shape = reader.type_in(ty, crate_name, &function.module).to_string();
            json!({ "type": tokens(ty), "shape": shape, "hash": hash(&shape) })
        })
        .collect();
    let output = match &function.signature.output {
        syn::ReturnType::Default => Value::Null,
        syn::ReturnType::Type(_, ty) => {
            let shape = reader.type_in(ty, crate_name, &function.module).to_string();
            json!({ "type": tokens(ty), "shape": shape, "hash": hash(&shape) })
        }
    };
    let mut module = crate_name.clone();
    for segment in &function.module {
        module.push_str("::");
        module.push_str(segment);
    }
    json!({
        "name": function.name,
        "kind": function.kind,
        "version": function.version(),
        "function": function.ident,
        "package": package,
        "target": function.target.id(),
        "module": module,
        "signature": tokens(&function.signature),
        "inputs": inputs,
        "output": output,
        "shard_by": function.arguments.find("shard_by").map(|found| value(&found.value)),
        "resources": function.arguments.find("needs").map(|found| value(&found.value)),
        "arguments": arguments(&function.arguments),
        "docs": function.docs,
        "place": place(&function.place),
    })
}

fn arguments(arguments: &Arguments) -> Value {
    arguments
        .iter()
        .map(|argument| (argument.key.to_string(), value(&argument.value)))
        .collect::<Map<_, _>>()
        .into()
}

fn value(argument: &ArgumentValue) -> Value {
    let literal = |literal: &syn::Lit| match literal {
        syn::Lit::Str(text) => json!(text.value()),
        syn::Lit::Int(number) => number
            .base10_parse::<u64>()
            .map_or_else(|_| json!(number.to_string()), |number| json!(number)),
        syn::Lit::Bool(value) => json!(value.value()),
        other => json!(other.to_token_stream().to_string()),
    };
    match argument {
        ArgumentValue::Flag => json!(true),
        ArgumentValue::List(list) => arguments(list),
        ArgumentValue::Literals(literals) => literals.iter().map(literal).collect(),
        ArgumentValue::Value(expression) => match &**expression {
            syn::Expr::Lit(found) => literal(&found.lit),
            syn::Expr::Array(array) => array
                .elems
                .iter()
                .map(|element| value(&ArgumentValue::Value(Box::new(element.clone()))))
                .collect(),
            other => json!(tokens(other)),
        },
    }
}

/// FNV-1a of a shape's text, in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// Source text with its usual spacing.
pub(crate) fn tokens(tokens: &impl quote::ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (wide, narrow) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" < ", "<"),
        (" > ", "> "),
        (" >", ">"),
        (" , ", ", "),
        ("& ", "&"),
        (" : ", ": "),
        ("( ", "("),
        (" )", ")"),
        (" (", "("),
        ("> ,", ">,"),
        ("' ", "'"),
    ] {
        text = text.replace(wide, narrow);
    }
    text.trim().to_owned()
}

fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}

fn sorted<T>(mut all: Vec<&T>, key: impl Fn(&T) -> &Place) -> Vec<&T> {
    all.sort_by(|a, b| key(a).cmp(key(b)));
    all
}

/// The name of a function for people: with its variant and version where it has them.
pub(crate) fn full_name(function: &Function) -> String {
    let name = lock::name_of(function);
    match function.kind.as_str() {
        "function" | "projector" => format!("{name} v{}", function.version()),
        _ => name,
    }
}

const FORMAT: u32 = 1;
