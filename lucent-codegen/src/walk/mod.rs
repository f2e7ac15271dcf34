//! The module tree of one target, walked as rustc walks it.
//!
//! Invariant: a module is known by its path and its conditions, so that two `#[cfg] mod os;` are
//! two modules. A missing file is tolerated; a file that contains itself ends the walk there.

mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cfg::Environment;
use crate::skim::{Function, Import, Misplaced, Module, PathAttribute, Scope};

use place::{Place, Spot};

/// Where facts come from: the disk, or a table in tests.
pub(crate) trait Sources {
    /// The facts of a file; `None` if there is no such file.
    fn facts(&mut self, file: &Path) -> Option<Rc<Scope>>;

    /// A name under which two paths to one file are the same.
    fn identity(&self, file: &Path) -> PathBuf;

    /// Whether this is a folder.
    fn is_folder(&self, path: &Path) -> bool;
}

/// What a target's tree contains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) scopes: Vec<Mounted>,
    pub(crate) files: BTreeSet<PathBuf>,
    /// The files again, each as often as it is a module or included by one.
    pub(crate) mounts: Vec<Mount>,
    /// Files that a module or an `include!` names without a condition, and that are not there.
    pub(crate) missing: BTreeSet<PathBuf>,
    /// Folders where a file that is missing now may appear.
    pub(crate) awaited: BTreeSet<PathBuf>,
    /// Whether the crate root calls `registry!`.
    pub(crate) registry: bool,
}

/// A file in its place among the modules.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// The modules from the crate root.
    pub(crate) module: Vec<String>,
    pub(crate) file: PathBuf,
    /// The conditions of the place; those of the file itself are not among them.
    pub(crate) cfg: Vec<String>,
    /// Whether it is there by `include!`, as a part of another file's module.
    pub(crate) included: bool,
}

/// The annotated functions of one module, with what is needed to resolve them.
#[derive(Clone, Debug)]
pub(crate) struct Mounted {
    /// The modules from the crate root.
    pub(crate) module: Vec<String>,
    pub(crate) file: PathBuf,
    pub(crate) cfg: Vec<String>,
    pub(crate) imports: Rc<Vec<Import>>,
    /// The names of the modules declared beside.
    pub(crate) neighbors: Rc<BTreeSet<String>>,
    pub(crate) functions: Vec<Function>,
    pub(crate) misplaced: Vec<Misplaced>,
}

/// Walks a target from its crate root.
pub(crate) fn walk(
    root: &Path,
    out_dir: &Path,
    environment: &Environment,
    sources: &mut dyn Sources,
) -> Tree {
    let mut walker = Walker { out_dir, environment, sources, tree: Tree::default(), mounts: 0 };
    let position = Position { module: Vec::new(), cfg: Vec::new(), chain: Vec::new() };
    let spot = Spot { file: root.to_path_buf(), place: Place::owning(root) };
    if let Some(facts) = walker.open(&spot.file) {
        walker.tree.registry = facts.registry;
        walker.file(&spot, &facts, &position);
    }
    walker.tree
}

/// Walks one file again in a place where it was mounted, with its inline modules and nothing else.
pub(crate) fn walk_file(mount: &Mount, facts: &Rc<Scope>) -> Tree {
    let mut walker = Walker {
        out_dir: Path::new(""),
        environment: &Environment::default(),
        sources: &mut Nothing,
        tree: Tree::default(),
        mounts: 0,
    };
    let position =
        Position { module: mount.module.clone(), cfg: mount.cfg.clone(), chain: Vec::new() };
    walker.scope(&mount.file, &Place::owning(&mount.file), facts, &position);
    walker.tree
}

/// A disk without files.
struct Nothing;

impl Sources for Nothing {
    fn facts(&mut self, _: &Path) -> Option<Rc<Scope>> {
        None
    }

    fn identity(&self, file: &Path) -> PathBuf {
        file.to_path_buf()
    }

    fn is_folder(&self, _: &Path) -> bool {
        false
    }
}

struct Walker<'a> {
    out_dir: &'a Path,
    environment: &'a Environment,
    sources: &'a mut dyn Sources,
    tree: Tree,
    mounts: usize,
}

/// Where the walk is.
#[derive(Clone, Debug)]
struct Position {
    module: Vec<String>,
    cfg: Vec<String>,
    /// The files from the root to here.
    chain: Vec<PathBuf>,
}

/// How a file comes into a module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Entrance {
    Include,
    Module,
}

/// One text of a module: the module itself, or a file it includes.
struct Part {
    file: PathBuf,
    place: Place,
    facts: Rc<Scope>,
    position: Position,
}

impl Walker<'_> {
    fn open(&mut self, file: &Path) -> Option<Rc<Scope>> {
        let facts = self.sources.facts(file)?;
        self.tree.files.insert(file.to_path_buf());
        Some(facts)
    }

    fn file(&mut self, spot: &Spot, facts: &Rc<Scope>, position: &Position) {
        let identity = self.sources.identity(&spot.file);
        if position.chain.contains(&identity) || self.mounts >= MAX_MOUNTS {
            return;
        }
        self.mount(&spot.file, position, Entrance::Module);
        let mut position = position.clone();
        position.chain.push(identity);
        self.scope(&spot.file, &spot.place, facts, &position);
    }

    fn mount(&mut self, file: &Path, position: &Position, entrance: Entrance) {
        self.mounts += 1;
        self.tree.mounts.push(Mount {
            module: position.module.clone(),
            file: file.to_path_buf(),
            cfg: position.cfg.clone(),
            included: entrance == Entrance::Include,
        });
    }

    fn scope(&mut self, file: &Path, place: &Place, facts: &Rc<Scope>, position: &Position) {
        let mut parts = Vec::new();
        self.collect(file, place, facts, position, &mut parts);
        let imports = Rc::new(
            parts.iter().flat_map(|part| part.facts.imports.iter().cloned()).collect::<Vec<_>>(),
        );
        let neighbors = Rc::new(
            parts
                .iter()
                .flat_map(|part| part.facts.modules.iter().map(|module| module.name.clone()))
                .collect::<BTreeSet<_>>(),
        );
        for part in parts {
            if !part.facts.functions.is_empty() || !part.facts.misplaced.is_empty() {
                self.tree.scopes.push(Mounted {
                    module: part.position.module.clone(),
                    file: part.file.clone(),
                    cfg: part.position.cfg.clone(),
                    imports: Rc::clone(&imports),
                    neighbors: Rc::clone(&neighbors),
                    functions: part.facts.functions.clone(),
                    misplaced: part.facts.misplaced.clone(),
                });
            }
            for module in &part.facts.modules {
                self.module(&part, module);
            }
        }
    }

    /// The texts of one module: its own, and those it includes.
    fn collect(
        &mut self,
        file: &Path,
        place: &Place,
        facts: &Rc<Scope>,
        position: &Position,
        parts: &mut Vec<Part>,
    ) {
        let mut position = position.clone();
        position.cfg.extend(facts.cfg.iter().cloned());
        parts.push(Part {
            file: file.to_path_buf(),
            place: place.clone(),
            facts: Rc::clone(facts),
            position: position.clone(),
        });
        for include in &facts.includes {
            let from = if include.generated { self.out_dir } else { file.parent().unwrap_or(file) };
            let target = from.join(&include.path);
            let identity = self.sources.identity(&target);
            if position.chain.contains(&identity) || self.mounts >= MAX_MOUNTS {
                continue;
            }
            let mut inner = position.clone();
            inner.cfg.extend(include.cfg.iter().cloned());
            match self.open(&target) {
                Some(facts) => {
                    self.mount(&target, &inner, Entrance::Include);
                    inner.chain.push(identity);
                    self.collect(&target, &Place::owning(&target), &facts, &inner, parts);
                }
                None => self.missing(&target, &inner.cfg),
            }
        }
    }

    fn module(&mut self, part: &Part, module: &Module) {
        let mut position = part.position.clone();
        position.module.push(module.name.clone());
        position.cfg.extend(module.cfg.iter().cloned());
        for (path, conditions) in variants(&module.paths) {
            let mut position = position.clone();
            position.cfg.extend(conditions);
            match &module.body {
                Some(body) => {
                    let place = match path {
                        Some(path) => part.place.inline_at(path),
                        None => part.place.inline(&module.name),
                    };
                    self.scope(&part.file, &place, &Rc::new(body.clone()), &position);
                }
                None => self.module_file(&part.place, &module.name, path, &position),
            }
        }
    }

    fn module_file(&mut self, place: &Place, name: &str, path: Option<&str>, position: &Position) {
        let spots = match path {
            Some(path) => vec![place.spot_at(path)],
            None => place.spots(name).to_vec(),
        };
        for spot in &spots {
            if let Some(facts) = self.open(&spot.file) {
                self.file(spot, &facts, position);
                return;
            }
        }
        self.missing(&spots[0].file, &position.cfg);
    }

    /// Remembers where a file must appear, unless its conditions fail anyway.
    fn missing(&mut self, file: &Path, cfg: &[String]) {
        if self.environment.refutes(cfg) || file.starts_with(self.out_dir) {
            return;
        }
        if cfg.is_empty() {
            self.tree.missing.insert(file.to_path_buf());
        }
        let folder = file.ancestors().skip(1).find(|folder| self.sources.is_folder(folder));
        if let Some(folder) = folder {
            self.tree.awaited.insert(folder.to_path_buf());
        }
    }
}

/// The `#[path]`s that may be in force, each with the conditions under which it is the first.
fn variants(paths: &[PathAttribute]) -> Vec<(Option<&str>, Vec<String>)> {
    let mut variants = Vec::new();
    let mut earlier: Vec<String> = Vec::new();
    for path in paths {
        let conditions = [earlier.as_slice(), &path.conditions].concat();
        variants.push((Some(path.path.as_str()), conditions));
        match path.conditions.as_slice() {
            [] => return variants,
            [condition] => earlier.push(format!("not({condition})")),
            several => earlier.push(format!("not(all({}))", several.join(", "))),
        }
    }
    variants.push((None, earlier));
    variants
}

/// No crate has so many modules; files that include each other twice would have.
const MAX_MOUNTS: usize = 200_000;
