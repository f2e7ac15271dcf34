//! What one file says, whatever crate or module it is mounted in.
//!
//! Invariant: facts are a pure function of the file's text; nothing of the package, its features
//! or its targets is in them, so they are cached by content alone.

/// The items of a module that matter here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Scope {
    /// Conditions of inner attributes: `#![cfg(…)]`.
    pub(crate) cfg: Vec<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) modules: Vec<Module>,
    pub(crate) includes: Vec<Include>,
    pub(crate) functions: Vec<Function>,
    pub(crate) misplaced: Vec<Misplaced>,
    /// Whether `registry!` is called here.
    pub(crate) registry: bool,
}

impl Scope {
    /// Whether an annotated function stands here or in an inline module.
    pub(crate) fn says_something(&self) -> bool {
        !self.functions.is_empty()
            || !self.misplaced.is_empty()
            || !self.includes.is_empty()
            || self
                .modules
                .iter()
                .any(|module| module.body.as_ref().is_some_and(Self::says_something))
    }

    /// Whether an `include!` stands here or in an inline module.
    pub(crate) fn includes_something(&self) -> bool {
        let bodies = || self.modules.iter().filter_map(|module| module.body.as_ref());
        !self.includes.is_empty() || bodies().any(Self::includes_something)
    }
}

/// One name that a `use` or `extern crate` brings in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Import {
    /// The whole path; a leading `::` is an empty first segment.
    pub(crate) path: Vec<String>,
    /// The name it has here; `*` for a glob.
    pub(crate) name: String,
}

/// `mod x;` or `mod x { … }`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) cfg: Vec<String>,
    pub(crate) paths: Vec<PathAttribute>,
    pub(crate) body: Option<Scope>,
}

/// `#[path = "…"]`, under the predicates of the `cfg_attr`s around it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PathAttribute {
    pub(crate) conditions: Vec<String>,
    pub(crate) path: String,
}

/// `include!("…")` in place of an item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Include {
    pub(crate) cfg: Vec<String>,
    pub(crate) path: String,
    /// Whether the path starts at `OUT_DIR` instead of the file's folder.
    pub(crate) generated: bool,
}

/// A function that may be annotated by Lucent; what its attribute means is resolved later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Function {
    /// The path of the attribute as written.
    pub(crate) attribute: Vec<String>,
    pub(crate) ident: String,
    /// The name in the registry.
    pub(crate) name: String,
    /// Whether it is an edition of another function.
    pub(crate) edition: bool,
    pub(crate) fingerprint: u64,
    pub(crate) line: u32,
    pub(crate) signature: String,
    pub(crate) cfg: Vec<String>,
    pub(crate) docs: String,
}

/// An annotated function where no registry can reach it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Misplaced {
    pub(crate) attribute: Vec<String>,
    pub(crate) ident: String,
    pub(crate) place: Place,
    pub(crate) line: u32,
    pub(crate) cfg: Vec<String>,
}

/// Where a misplaced function stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// In the body of a function, constant or static.
    Body,
    /// Directly in an `impl`, `trait` or `extern` block.
    Block,
}
