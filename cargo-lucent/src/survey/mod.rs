//! What the sources say: types, functions, imports, and who mentions whom.
//!
//! Invariant: the sources are parsed, never expanded and never compiled. What a macro writes is not
//! here, and a name that means two things is left alone.

mod attribute;
mod hidden;
mod lookup;
mod mention;
pub(crate) mod message;
mod parse;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use lucent_codegen::Target;
use lucent_syntax::Arguments;

pub(crate) use attribute::{arguments, is_test, metas, number};
pub(crate) use mention::Mentions;
pub(crate) use message::{
    Event, Message, aggregates, commands, decision_models, events, queries, snapshots, views,
};
pub(crate) use read::{import, survey};

use crate::{
    diagnostic::{Diagnostic, Place},
    locate::Workspace,
};

/// Names that `use` brings, each with its whole path; a glob is `*`.
pub(crate) type Imports = Vec<(String, Vec<String>)>;

/// Everything that was read.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) workspace: Workspace,
    pub(crate) sources: Vec<Source>,
    pub(crate) types: Vec<TypeDef>,
    pub(crate) functions: Vec<Function>,
    /// By crate and module: the names that `use` brings, each with its whole path.
    pub(crate) imports: BTreeMap<(String, Vec<String>), Imports>,
    /// What some code outside of tests makes.
    pub(crate) made: Mentions,
    /// What could not be read.
    pub(crate) problems: Vec<Diagnostic>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// A file in its place among the modules.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) package: usize,
    pub(crate) target: Target,
    pub(crate) module: Vec<String>,
    pub(crate) file: Rc<File>,
}

/// A file that was parsed.
#[derive(Debug)]
pub(crate) struct File {
    /// Its name in messages.
    pub(crate) shown: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

/// A struct, an enum, or an alias.
#[derive(Clone, Debug)]
pub(crate) struct TypeDef {
    pub(crate) package: usize,
    pub(crate) crate_name: String,
    pub(crate) module: Vec<String>,
    pub(crate) ident: String,
    pub(crate) place: Place,
    /// The last segments of what it derives.
    pub(crate) derives: BTreeSet<String>,
    pub(crate) body: TypeBody,
    pub(crate) docs: String,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum TypeBody {
    Struct(Rc<syn::ItemStruct>),
    Enum(Rc<syn::ItemEnum>),
    Alias(Rc<syn::ItemType>),
}

/// An annotated function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) package: usize,
    pub(crate) target: Target,
    pub(crate) module: Vec<String>,
    /// The name of its attribute: `command_handler`.
    pub(crate) kind: String,
    /// Its name in the registry.
    pub(crate) name: String,
    pub(crate) ident: String,
    pub(crate) place: Place,
    pub(crate) arguments: Arguments,
    pub(crate) signature: syn::Signature,
    pub(crate) mentions: Mentions,
    pub(crate) docs: String,
}

impl TypeDef {
    pub(crate) fn derives(&self, name: &str) -> bool {
        self.derives.contains(name)
    }

    pub(crate) fn attributes(&self) -> &[syn::Attribute] {
        match &self.body {
            TypeBody::Struct(item) => &item.attrs,
            TypeBody::Enum(item) => &item.attrs,
            TypeBody::Alias(item) => &item.attrs,
        }
    }
}

impl Function {
    /// The types of the parameters, in order.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &syn::Type> {
        self.signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some(&*typed.ty),
            syn::FnArg::Receiver(_) => None,
        })
    }

    pub(crate) fn version(&self) -> u32 {
        number(&self.arguments, "version").unwrap_or(1)
    }
}
