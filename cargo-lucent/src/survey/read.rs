//! Reads the sources of all packages.
//!
//! Invariant: what the build's own scanner says is annotated is what is listed here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    rc::Rc,
};

use lucent_codegen::{Found, Outline, outline};
use lucent_syntax::registry_name;
use syn::{Item, UseTree, ext::IdentExt as _};

use super::{
    File, Function, Mentions, Source, Survey, TypeBody, TypeDef,
    attribute::{arguments, derived, docs, is_test},
    hidden::hidden,
    parse,
};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    locate::Workspace,
};

/// Reads everything.
pub(crate) fn survey(workspace: Workspace) -> Survey {
    let mut survey = Survey {
        workspace,
        sources: Vec::new(),
        types: Vec::new(),
        functions: Vec::new(),
        imports: BTreeMap::new(),
        made: Mentions::default(),
        problems: Vec::new(),
        by_name: BTreeMap::new(),
    };
    let mut reader = Reader { files: BTreeMap::new(), seen: BTreeSet::new() };
    for package in 0..survey.workspace.packages.len() {
        let outline = outline(&survey.workspace.packages[package].package);
        reader.package(&mut survey, package, &outline);
    }
    for (index, def) in survey.types.iter().enumerate() {
        survey.by_name.entry(def.ident.clone()).or_default().push(index);
    }
    survey
}

/// What the build's scanner found, by target and line.
type Scanned<'a> = BTreeMap<(String, u32), Vec<&'a Found>>;

struct Reader {
    /// By path; `None` if the file is not Rust.
    files: BTreeMap<PathBuf, Option<Rc<File>>>,
    /// Places of types and functions that are known: a file may be mounted twice.
    seen: BTreeSet<Place>,
}

impl Reader {
    fn package(&mut self, survey: &mut Survey, package: usize, outline: &Outline) {
        let located = &survey.workspace.packages[package];
        let is_checked = located.is_checked();
        for missing in outline.missing.iter().filter(|_| is_checked) {
            let file = survey.workspace.shown(missing);
            survey.problems.push(
                Diagnostic::error(
                    Code::MISSING_FILE,
                    format!("a module's file is missing: {file}"),
                )
                .help("write the file, or remove the `mod` or `include!` that names it"),
            );
        }
        for mistake in outline.mistakes.iter().filter(|_| is_checked) {
            let root = survey.workspace.packages[package].package.root.clone();
            survey.problems.push(registry_mistake(survey, &root, &mistake.message));
        }
        let mut scanned = Scanned::new();
        for found in &outline.functions {
            scanned.entry((found.target.id(), found.line)).or_default().push(found);
        }
        for found in &outline.sources {
            let Some(file) = self.file(survey, &found.file) else {
                continue;
            };
            let source = Source {
                package,
                target: found.target.clone(),
                module: found.module.clone(),
                file: Rc::clone(&file),
            };
            let first = !survey.sources.iter().any(|known| Rc::ptr_eq(&known.file, &file));
            if first {
                survey.made.collect(&file.syntax.items);
            }
            self.items(survey, &source, &source.module, &file.syntax.items, &scanned);
            survey.sources.push(source);
        }
    }

    fn file(&mut self, survey: &mut Survey, path: &PathBuf) -> Option<Rc<File>> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let shown = survey.workspace.shown(path);
        let file = match parse::file(path, shown) {
            Ok(file) => Some(Rc::new(file)),
            Err(problem) => {
                survey.problems.push(*problem);
                None
            }
        };
        self.files.insert(path.clone(), file.clone());
        file
    }

    fn items(
        &mut self,
        survey: &mut Survey,
        source: &Source,
        module: &[String],
        items: &[Item],
        scanned: &Scanned<'_>,
    ) {
        let key = (source.target.crate_name.clone(), module.to_vec());
        for item in items {
            match item {
                Item::Use(item) if !is_test(&item.attrs) => {
                    let imports = survey.imports.entry(key.clone()).or_default();
                    import(&item.tree, &mut Vec::new(), imports);
                }
                Item::Mod(inner) if !is_test(&inner.attrs) => {
                    if let Some((_, items)) = &inner.content {
                        let mut module = module.to_vec();
                        module.push(inner.ident.unraw().to_string());
                        self.items(survey, source, &module, items, scanned);
                    }
                }
                Item::Struct(item) => {
                    let body = TypeBody::Struct(Rc::new(item.clone()));
                    self.define(survey, source, module, &item.ident, &item.attrs, body);
                }
                Item::Enum(item) => {
                    let body = TypeBody::Enum(Rc::new(item.clone()));
                    self.define(survey, source, module, &item.ident, &item.attrs, body);
                }
                Item::Type(item) => {
                    let body = TypeBody::Alias(Rc::new(item.clone()));
                    self.define(survey, source, module, &item.ident, &item.attrs, body);
                }
                _ => {}
            }
        }
        let is_listed = survey.workspace.packages[source.package].is_listed();
        for item in items {
            match item {
                Item::Fn(item) if is_listed && !is_test(&item.attrs) => {
                    self.function(survey, source, module, item, scanned);
                }
                Item::Macro(item) if is_listed && !is_test(&item.attrs) => {
                    survey.problems.extend(hidden(source, item));
                }
                _ => {}
            }
        }
    }

    fn define(
        &mut self,
        survey: &mut Survey,
        source: &Source,
        module: &[String],
        ident: &syn::Ident,
        attributes: &[syn::Attribute],
        body: TypeBody,
    ) {
        let place = Place::of(&source.file.shown, ident.span());
        if is_test(attributes) || !self.seen.insert(place.clone()) {
            return;
        }
        survey.types.push(TypeDef {
            package: source.package,
            crate_name: source.target.crate_name.clone(),
            module: module.to_vec(),
            ident: ident.unraw().to_string(),
            place,
            derives: derived(attributes).collect(),
            body,
            docs: docs(attributes),
        });
    }

    fn function(
        &mut self,
        survey: &mut Survey,
        source: &Source,
        module: &[String],
        item: &syn::ItemFn,
        scanned: &Scanned<'_>,
    ) {
        let ident = item.sig.ident.unraw().to_string();
        let line = u32::try_from(item.sig.ident.span().start().line).unwrap_or_default();
        let kinds: Vec<&str> = scanned
            .get(&(source.target.id(), line))
            .into_iter()
            .flatten()
            .filter(|found| found.ident == ident && found.module == module)
            .map(|found| found.kind)
            .collect();
        for kind in kinds {
            let place = Place::of(&source.file.shown, item.sig.ident.span());
            if !self.seen.insert(place.clone()) {
                continue;
            }
            let arguments = arguments(&item.attrs, kind);
            survey.functions.push(Function {
                package: source.package,
                target: source.target.clone(),
                module: module.to_vec(),
                kind: kind.to_owned(),
                name: registry_name(&arguments, &item.sig.ident),
                ident: ident.clone(),
                place,
                arguments,
                signature: item.sig.clone(),
                mentions: Mentions::of_block(&item.block),
                docs: docs(&item.attrs),
            });
        }
    }
}

/// A mistake that the build reports too; it starts with its place.
fn registry_mistake(survey: &Survey, root: &std::path::Path, message: &str) -> Diagnostic {
    let place = message.split_once(": ").and_then(|(place, rest)| {
        let (file, line) = place.rsplit_once(':')?;
        let file = survey.workspace.shown(&root.join(file));
        Some((Place::line(&file, line.parse().ok()?), rest))
    });
    match place {
        Some((place, rest)) => Diagnostic::error(Code::REGISTRY, rest).at(place, ""),
        None => Diagnostic::error(Code::REGISTRY, message),
    }
}

pub(crate) fn import(
    tree: &UseTree,
    path: &mut Vec<String>,
    imports: &mut Vec<(String, Vec<String>)>,
) {
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.unraw().to_string());
            import(&inner.tree, path, imports);
            path.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                import(tree, path, imports);
            }
        }
        UseTree::Glob(_) => imports.push(("*".to_owned(), path.clone())),
        UseTree::Name(name) => {
            let name = name.ident.unraw().to_string();
            if name == "self" {
                imports.push((path.last().cloned().unwrap_or_default(), path.clone()));
            } else {
                imports.push((name.clone(), [path.as_slice(), &[name]].concat()));
            }
        }
        UseTree::Rename(renamed) => {
            let name = renamed.ident.unraw().to_string();
            let path =
                if name == "self" { path.clone() } else { [path.as_slice(), &[name]].concat() };
            imports.push((renamed.rename.unraw().to_string(), path));
        }
    }
}
