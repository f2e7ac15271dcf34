//! Which attributes are Lucent's, and what the registry of a target lists.
//!
//! Invariant: a pure function of a walked tree. In doubt an attribute is Lucent's, for the
//! handshake of the attribute itself proves or refutes the guess.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use lucent_syntax::{FunctionKind, registry_ident, variant_ident};

use crate::package::{Package, Target};
use crate::skim::{Function, Import, Misplaced, Place};
use crate::walk::{Mounted, Tree};

/// The registry of one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Sorted by name.
    pub(crate) functions: Vec<Listed>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A function of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) kind: FunctionKind,
    /// The identifier of its mark.
    pub(crate) mark: String,
    /// Its variant among the ids of functions, if it is a function and no edition of another one.
    pub(crate) variant: Option<String>,
    pub(crate) module: Vec<String>,
    pub(crate) file: String,
    /// The whole stack of conditions, outermost first.
    pub(crate) cfg: Vec<String>,
    pub(crate) function: Function,
}

impl Listed {
    /// The module as the compiler names it, with the crate of a target.
    pub(crate) fn module_of(&self, target: &Target) -> String {
        let mut module = target.crate_name.clone();
        for segment in &self.module {
            module.push_str("::");
            module.push_str(segment);
        }
        module
    }
}

/// A mistake that rustc reports for us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Diagnostic {
    /// The conditions under which it is one.
    pub(crate) cfg: Vec<String>,
    pub(crate) message: String,
}

/// Resolves and checks a tree under the [`roots`] of its target.
pub(crate) fn resolve(package: &Package, tree: &Tree, roots: &BTreeSet<String>) -> Model {
    let mut model = Model::default();
    for mounted in &tree.scopes {
        let file = package.display(&mounted.file);
        for function in &mounted.functions {
            if let Some(kind) = kind(&function.attribute, mounted, roots) {
                let mark = registry_ident(&function.name);
                let has_id = kind == FunctionKind::Function && !function.edition;
                model.functions.push(Listed {
                    kind,
                    variant: has_id.then(|| variant_ident(&mark)),
                    mark,
                    module: mounted.module.clone(),
                    file: file.clone(),
                    cfg: joined(&mounted.cfg, &function.cfg),
                    function: function.clone(),
                });
            }
        }
        for misplaced in &mounted.misplaced {
            if kind(&misplaced.attribute, mounted, roots).is_some() {
                model.diagnostics.push(Diagnostic {
                    cfg: joined(&mounted.cfg, &misplaced.cfg),
                    message: explain(misplaced, &file),
                });
            }
        }
    }
    model.functions.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    refuse_duplicates(&mut model);
    model
}

/// Crates whose attributes are Lucent's, with those that the crate root renames.
pub(crate) fn roots(package: &Package, tree: &Tree) -> BTreeSet<String> {
    let mut roots: BTreeSet<String> = package.roots.iter().cloned().collect();
    for mounted in tree.scopes.iter().filter(|mounted| mounted.module.is_empty()) {
        for import in mounted.imports.iter() {
            if let [empty, name] = import.path.as_slice()
                && empty.is_empty()
                && roots.contains(name)
                && import.name != "*"
            {
                roots.insert(import.name.clone());
            }
        }
    }
    roots
}

/// The kind that an attribute marks, if it is Lucent's.
fn kind(attribute: &[String], mounted: &Mounted, roots: &BTreeSet<String>) -> Option<FunctionKind> {
    match attribute {
        [name] => bare_kind(name, mounted, roots),
        [first, .., name] => {
            let ours = leads_to_lucent(attribute, mounted, roots)
                || mounted.imports.iter().any(|import| {
                    import.name == *first && leads_to_lucent(&import.path, mounted, roots)
                });
            ours.then(|| FunctionKind::from_attribute(name))?
        }
        [] => None,
    }
}

fn bare_kind(name: &str, mounted: &Mounted, roots: &BTreeSet<String>) -> Option<FunctionKind> {
    let mut named = mounted.imports.iter().filter(|import| import.name == name).peekable();
    if named.peek().is_some() {
        return named
            .filter(|import| leads_to_lucent(&import.path, mounted, roots))
            .find_map(|import| FunctionKind::from_attribute(import.path.last()?));
    }
    let kind = FunctionKind::from_attribute(name)?;
    mounted.imports.iter().any(may_bring_macros).then_some(kind)
}

fn may_bring_macros(import: &Import) -> bool {
    let root = import.path.iter().find(|segment| !segment.is_empty());
    import.name == "*"
        && !root.is_some_and(|root| matches!(root.as_str(), "alloc" | "core" | "std"))
}

/// Whether a path starts at Lucent, or somewhere in this crate that may re-export it.
fn leads_to_lucent(path: &[String], mounted: &Mounted, roots: &BTreeSet<String>) -> bool {
    match path {
        [empty, root, ..] if empty.is_empty() => roots.contains(root),
        [root, ..] => {
            matches!(root.as_str(), "crate" | "self" | "super")
                || roots.contains(root)
                || mounted.neighbors.contains(root)
        }
        [] => false,
    }
}

/// The conditions of both stacks, each once.
fn joined(outer: &[String], inner: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(outer.len() + inner.len());
    for condition in outer.iter().chain(inner) {
        if !joined.contains(condition) {
            joined.push(condition.clone());
        }
    }
    joined
}

fn sort_key(listed: &Listed) -> (&str, &str, u32, &[String], &[String]) {
    (&listed.function.name, &listed.file, listed.function.line, &listed.cfg, &listed.module)
}

fn explain(misplaced: &Misplaced, file: &str) -> String {
    let Misplaced { attribute, ident, .. } = misplaced;
    let attribute = attribute.join("::");
    let line = misplaced.line;
    match misplaced.place {
        Place::Body => format!(
            "{file}:{line}: `#[{attribute}] fn {ident}` stands inside the body of another item, where the registry \
             cannot reach it; move it to the level of a module"
        ),
        Place::Block => format!(
            "{file}:{line}: `#[{attribute}] fn {ident}` stands in an `impl`, `trait` or `extern` block; an annotated \
             function is a free function: move it to the level of a module"
        ),
    }
}

/// Explains functions that claim one name, and lists only one of those under the same conditions.
fn refuse_duplicates(model: &mut Model) {
    let mut by_mark: BTreeMap<&str, Vec<&Listed>> = BTreeMap::new();
    for listed in &model.functions {
        by_mark.entry(&listed.mark).or_default().push(listed);
    }
    let mut diagnostics = Vec::new();
    for rivals in by_mark.values().filter(|rivals| rivals.len() > 1) {
        for (index, second) in rivals.iter().enumerate() {
            for first in rivals.iter().take(index.min(MAX_RIVALS)) {
                diagnostics.push(Diagnostic {
                    cfg: joined(&first.cfg, &second.cfg),
                    message: explain_duplicate(first, second),
                });
            }
        }
    }
    model.diagnostics.extend(diagnostics);
    model.diagnostics.dedup();
    let mut seen = BTreeSet::new();
    model.functions.retain(|listed| seen.insert((listed.mark.clone(), listed.cfg.clone())));
    refuse_shared_variants(model);
}

/// Explains functions whose names make one variant, and leaves it to one of those under the same conditions.
fn refuse_shared_variants(model: &mut Model) {
    let mut by_variant: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (index, listed) in model.functions.iter_mut().enumerate() {
        if let Some(variant) = listed.variant.take() {
            if seen.insert((variant.clone(), listed.cfg.clone())) {
                listed.variant = Some(variant.clone());
            }
            by_variant.entry(variant).or_default().push(index);
        }
    }
    for (variant, rivals) in by_variant {
        let [first, rest @ ..] = rivals.as_slice() else { continue };
        let first = &model.functions[*first];
        let others = rest.iter().map(|&index| &model.functions[index]);
        for second in others.filter(|second| second.mark != first.mark) {
            model.diagnostics.push(Diagnostic {
                cfg: joined(&first.cfg, &second.cfg),
                message: explain_shared_variant(&variant, first, second),
            });
        }
    }
}

fn explain_shared_variant(variant: &str, first: &Listed, second: &Listed) -> String {
    format!(
        "the registry names `{}` and `{}` are one in camel case, `FunctionId::{variant}`: `{}` at {} and `{}` at {}; \
         give one of them a name of its own: `#[function(name = \"…\")]`",
        first.function.name,
        second.function.name,
        first.function.ident,
        place(first),
        second.function.ident,
        place(second),
    )
}

fn place(listed: &Listed) -> String {
    format!("{}:{}", listed.file, listed.function.line)
}

fn explain_duplicate(first: &Listed, second: &Listed) -> String {
    if place(first) == place(second) && first.module == second.module {
        return format!(
            "{}: `{}` carries two attributes of Lucent; give each of them a function of its own",
            place(first),
            first.function.ident,
        );
    }
    if place(first) == place(second) {
        return format!(
            "{}: `{}` is compiled twice, for its file is a module twice: `{}` and `{}`; mount the file once",
            place(first),
            first.function.ident,
            module_path(&first.module),
            module_path(&second.module),
        );
    }
    let claim = if first.function.name == second.function.name {
        format!("two functions claim the registry name `{}`", first.function.name)
    } else {
        format!(
            "the registry names `{}` and `{}` differ only in punctuation",
            first.function.name, second.function.name
        )
    };
    // An edition is named after its function: `fee@v2`.
    let way_out = if first.function.name.contains('@') && second.function.name.contains('@') {
        "give one of them another `version`, or a `variant` of its own".to_owned()
    } else {
        let attribute = second.kind.attribute();
        format!("give one of them a name of its own: `#[{attribute}(name = \"…\")]`")
    };
    format!(
        "{claim}: `{}` at {} and `{}` at {}; {way_out}",
        first.function.ident,
        place(first),
        second.function.ident,
        place(second),
    )
}

fn module_path(module: &[String]) -> String {
    let mut path = "crate".to_owned();
    for segment in module {
        path.push_str("::");
        path.push_str(segment);
    }
    path
}

/// How many earlier functions of one name each further one is compared with.
const MAX_RIVALS: usize = 8;
