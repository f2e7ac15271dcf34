//! From syntax to shapes.
//!
//! Invariant: a type that contains itself ends as [`Shape::Again`]; the depth is bounded.

use std::collections::BTreeMap;

use quote::ToTokens as _;
use syn::{Attribute, Fields, GenericArgument, PathArguments, Type, ext::IdentExt as _};

use super::{
    Body, Field, Shape,
    serde::{NameKind, Serde},
};
use crate::survey::{Survey, TypeBody, TypeDef};

/// Reads shapes of types in their modules.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    survey: &'a Survey,
    /// The types that are being spelled out.
    open: Vec<usize>,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug)]
struct Scope<'a> {
    crate_name: &'a str,
    module: &'a [String],
    /// What the parameters of the type around mean.
    parameters: &'a BTreeMap<String, Shape>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(survey: &'a Survey) -> Self {
        Self { survey, open: Vec::new() }
    }

    /// The shape of a definition.
    pub(crate) fn definition(&mut self, def: &TypeDef) -> Body {
        let index = self.survey.index_of(def);
        self.open.extend(index);
        let body = self.body(def, &BTreeMap::new());
        self.open.clear();
        body
    }

    /// The shape of the fields of a variant, or of an event that is a struct.
    pub(crate) fn fields_of(
        &mut self,
        def: &TypeDef,
        fields: &Fields,
        attributes: &[Attribute],
    ) -> Body {
        let parameters = BTreeMap::new();
        let scope =
            Scope { crate_name: &def.crate_name, module: &def.module, parameters: &parameters };
        let container = Serde::of(def.attributes());
        let rule = match &def.body {
            TypeBody::Enum(_) => Serde::of(attributes)
                .text_or_nested("rename_all")
                .or_else(|| container.text_or_nested("rename_all_fields")),
            _ => container.text_or_nested("rename_all"),
        };
        self.fields(fields, rule.as_deref(), scope)
    }

    /// The shape of a type as it stands in a signature.
    pub(crate) fn type_in(&mut self, ty: &Type, crate_name: &str, module: &[String]) -> Shape {
        let parameters = BTreeMap::new();
        self.shape(ty, Scope { crate_name, module, parameters: &parameters })
    }

    fn body(&mut self, def: &TypeDef, parameters: &BTreeMap<String, Shape>) -> Body {
        let scope = Scope { crate_name: &def.crate_name, module: &def.module, parameters };
        let serde = Serde::of(def.attributes());
        if let Some(other) = ["into", "from", "try_from"].iter().find_map(|key| serde.text(key))
            && let Ok(ty) = syn::parse_str::<Type>(&other)
        {
            let shape = self.shape(&ty, scope);
            return Body::Tuple(vec![Field {
                name: String::new(),
                optional: false,
                notes: Vec::new(),
                shape,
            }]);
        }
        match &def.body {
            TypeBody::Struct(item) => {
                self.fields(&item.fields, serde.text_or_nested("rename_all").as_deref(), scope)
            }
            TypeBody::Enum(item) => {
                let rule = serde.text_or_nested("rename_all");
                let rule_of_fields = serde.text_or_nested("rename_all_fields");
                let variants = item
                    .variants
                    .iter()
                    .filter(|variant| !Serde::of(&variant.attrs).is_skipped())
                    .map(|variant| {
                        let own = Serde::of(&variant.attrs);
                        let ident = variant.ident.unraw().to_string();
                        let name = own.name_of(&ident, rule.as_deref(), NameKind::Variant);
                        let fields =
                            own.text_or_nested("rename_all").or_else(|| rule_of_fields.clone());
                        (name, self.fields(&variant.fields, fields.as_deref(), scope))
                    })
                    .collect();
                Body::Enum {
                    variants,
                    tagging: serde.notes(&["tag", "content", "untagged"]).join(", "),
                }
            }
            TypeBody::Alias(item) => {
                let shape = self.shape(&item.ty, scope);
                Body::Tuple(vec![Field {
                    name: String::new(),
                    optional: false,
                    notes: Vec::new(),
                    shape,
                }])
            }
        }
    }

    fn fields(&mut self, fields: &Fields, rule: Option<&str>, scope: Scope<'_>) -> Body {
        let read: Vec<Field> = fields
            .iter()
            .filter(|field| !Serde::of(&field.attrs).is_skipped())
            .map(|field| {
                let serde = Serde::of(&field.attrs);
                let name = field.ident.as_ref().map_or_else(String::new, |ident| {
                    serde.name_of(&ident.unraw().to_string(), rule, NameKind::Field)
                });
                Field {
                    name,
                    optional: serde.has("default") || is_option(&field.ty),
                    notes: serde.notes(&["flatten", "with", "serialize_with", "deserialize_with"]),
                    shape: self.shape(&field.ty, scope),
                }
            })
            .collect();
        match fields {
            Fields::Named(_) => Body::Struct(read),
            Fields::Unnamed(_) => Body::Tuple(read),
            Fields::Unit => Body::Unit,
        }
    }

    fn shape(&mut self, ty: &Type, scope: Scope<'_>) -> Shape {
        match ty {
            Type::Path(path) if path.qself.is_none() => self.path(&path.path, scope),
            Type::Reference(reference) => self.shape(&reference.elem, scope),
            Type::Paren(inner) => self.shape(&inner.elem, scope),
            Type::Group(inner) => self.shape(&inner.elem, scope),
            Type::Tuple(tuple) => {
                Shape::Tuple(tuple.elems.iter().map(|ty| self.shape(ty, scope)).collect())
            }
            Type::Slice(slice) => list("[]", vec![self.shape(&slice.elem, scope)]),
            Type::Array(array) => {
                let length = array.len.to_token_stream().to_string();
                list(&format!("[; {length}]"), vec![self.shape(&array.elem, scope)])
            }
            other => list(&other.to_token_stream().to_string(), Vec::new()),
        }
    }

    fn path(&mut self, path: &syn::Path, scope: Scope<'_>) -> Shape {
        let Some(last) = path.segments.last() else {
            return list("?", Vec::new());
        };
        let name = last.ident.unraw().to_string();
        if path.segments.len() == 1
            && let Some(known) = scope.parameters.get(&name)
        {
            return known.clone();
        }
        let arguments: Vec<Shape> = match &last.arguments {
            PathArguments::AngleBracketed(list) => list
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(self.shape(ty, scope)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let found = self.survey.lookup(path, scope.crate_name, scope.module);
        let Some(index) = found.filter(|_| self.open.len() < MAX_DEPTH) else {
            return list(&name, arguments);
        };
        let survey = self.survey;
        let def = &survey.types[index];
        if self.open.contains(&index) {
            return Shape::Again(def.ident.clone());
        }
        let parameters = parameters(def, &arguments);
        self.open.push(index);
        let body = self.body(def, &parameters);
        self.open.pop();
        match (&def.body, body) {
            // An alias is what it stands for.
            (TypeBody::Alias(_), Body::Tuple(mut fields)) if fields.len() == 1 => {
                fields.remove(0).shape
            }
            (_, body) => Shape::Named { name: def.ident.clone(), body },
        }
    }
}

fn parameters(def: &TypeDef, arguments: &[Shape]) -> BTreeMap<String, Shape> {
    let generics = match &def.body {
        TypeBody::Struct(item) => &item.generics,
        TypeBody::Enum(item) => &item.generics,
        TypeBody::Alias(item) => &item.generics,
    };
    let names = generics.type_params().map(|parameter| parameter.ident.to_string());
    names.zip(arguments.iter().cloned()).collect()
}

fn list(name: &str, arguments: Vec<Shape>) -> Shape {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    Shape::Plain { name, arguments }
}

fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Option"),
        _ => false,
    }
}

/// How deep types are spelled out.
const MAX_DEPTH: usize = 32;
