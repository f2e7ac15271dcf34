//! `#[derive(Event)]`.
//!
//! Invariant: each version from 1 to today's has a shape that decodes it.

mod emit;
mod shape;

use lucent_syntax::ArgumentValue;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Lit, LitStr};

use self::shape::Shape;
use crate::{derive::tag::tags_of, errors::Errors, input, root::Root};

/// Everything that the expansion needs.
struct Parsed {
    /// One per variant, or the one of a struct.
    shapes: Vec<Shape>,
    retired: Vec<LitStr>,
    is_enum: bool,
}

pub(crate) fn event(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let is_enum = matches!(input.data, Data::Enum(_));
    let known: &[&str] = match is_enum {
        true => &["retired", "crate"],
        false => &["name", "version", "upcast", "retired", "crate"],
    };
    let arguments = input::merged(&input.attrs, "event", &mut errors);
    check_keys(&arguments, is_enum, known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    input::refuse_generics(
        &input.generics,
        "an event takes no parameters: stored events need one shape",
        &mut errors,
    );
    refuse_serde(&input.attrs, &mut errors);
    let shapes = match &input.data {
        Data::Struct(data) => {
            vec![Shape::new(
                &input.ident,
                &arguments,
                tags_of(&data.fields, &mut errors),
                &mut errors,
            )]
        }
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                refuse_serde(&variant.attrs, &mut errors);
                let known = ["name", "version", "upcast"];
                let arguments = input::arguments_of(&variant.attrs, "event", &known, &mut errors);
                let tags = tags_of(&variant.fields, &mut errors);
                Shape::new(&variant.ident, &arguments, tags, &mut errors)
            })
            .collect(),
        Data::Union(data) => {
            errors.at(data.union_token.span, "an event is an enum or a struct");
            Vec::new()
        }
    };
    let retired = retired(&arguments, &mut errors);
    refuse_repeated_names(&shapes, &retired, &mut errors);
    let parsed = Parsed { shapes, retired, is_enum };
    let impls = match (errors.is_empty(), input.generics.params.is_empty()) {
        (true, _) => emit::event(&root, &input.ident, &parsed),
        (false, true) => emit::fallback(&root, &input.ident),
        (false, false) => TokenStream::new(),
    };
    quote!(#errors #impls)
}

/// Reports unknown keys; `#[event(name = …)]` on an enum is a likely slip with its own answer.
fn check_keys(
    arguments: &lucent_syntax::Arguments,
    is_enum: bool,
    known: &[&str],
    errors: &mut Errors,
) {
    let mut slips = 0;
    for argument in arguments {
        let key = &argument.key;
        if is_enum && ["name", "version", "upcast"].iter().any(|name| key == name) {
            let message = format!("`{key}` belongs on a variant: each variant is a type of event");
            errors.at(key.span(), message);
            slips += 1;
        }
    }
    if slips == 0 {
        arguments.check_keys("#[event]", known, errors.list());
    }
}

fn retired(arguments: &lucent_syntax::Arguments, errors: &mut Errors) -> Vec<LitStr> {
    let Some(argument) = arguments.find("retired") else {
        return Vec::new();
    };
    let ArgumentValue::Literals(literals) = &argument.value else {
        errors.at(argument.value_span(), "`retired` takes names: write `retired(\"OldName\", …)`");
        return Vec::new();
    };
    let mut names = Vec::with_capacity(literals.len());
    for literal in literals {
        match literal {
            Lit::Str(name) if !name.value().is_empty() => names.push(name.clone()),
            other => errors.on(other, "a retired name is a text: write `\"OldName\"`"),
        }
    }
    names
}

fn refuse_repeated_names(shapes: &[Shape], retired: &[LitStr], errors: &mut Errors) {
    for (index, shape) in shapes.iter().enumerate() {
        if let Some(earlier) = shapes[..index].iter().find(|earlier| earlier.name == shape.name) {
            let message = format!(
                "the name `{}` is taken by `{}`: write `#[event(name = \"…\")]` with another one",
                shape.name, earlier.ident
            );
            errors.at(shape.name_span, message);
        }
    }
    for (index, name) in retired.iter().enumerate() {
        let text = name.value();
        if shapes.iter().any(|shape| shape.name == text) {
            errors
                .at(name.span(), format!("`{text}` is retired and in use: remove one of the two"));
        } else if retired[..index].iter().any(|earlier| earlier.value() == text) {
            errors.at(name.span(), format!("`{text}` is retired twice: remove one"));
        }
    }
}

/// Reports serde attributes that change how the variant's name is written: Lucent writes it
/// beside the payload.
fn refuse_serde(attributes: &[syn::Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|found| found.path().is_ident("serde")) {
        let Ok(arguments) = lucent_syntax::Arguments::parse_attribute(attribute) else {
            // Serde reports what it cannot read.
            continue;
        };
        for argument in &arguments {
            let key = argument.key.to_string();
            match key.as_str() {
                "tag" | "content" | "untagged" => errors.at(
                    argument.key.span(),
                    format!("an event's name is stored beside its payload: remove `{key}`"),
                ),
                "skip" | "skip_serializing" | "skip_deserializing" | "other" => errors.at(
                    argument.key.span(),
                    format!("an event is stored and read back: remove `{key}`"),
                ),
                _ => {}
            }
        }
    }
}
