//! What a package consists of, for tools that read its sources themselves.
//!
//! Invariant: the same walk and the same resolution as in a build, so that a tool and the build
//! never disagree about which files and functions there are; nothing is written.

use std::path::{Path, PathBuf};

use crate::cfg::Environment;
use crate::package::{Package, Target};
use crate::resolve::{Listed, resolve, roots};
use crate::scan::sorted_targets;
use crate::store::Disk;
use crate::walk::walk;

/// The files, functions and mistakes of a package.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outline {
    /// The files of all targets, in the order of the walk; a file that two modules name is listed
    /// twice.
    pub sources: Vec<Source>,
    /// The functions that the registries list, target by target, sorted by name.
    pub functions: Vec<Found>,
    /// The mistakes that the registries report.
    pub mistakes: Vec<Mistake>,
    /// Files that a module or an `include!` names without a condition, and that are not there.
    pub missing: Vec<PathBuf>,
}

/// A file in its place among the modules of a target.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Source {
    /// The target.
    pub target: Target,
    /// The modules from the crate root.
    pub module: Vec<String>,
    /// The file.
    pub file: PathBuf,
    /// The conditions under which the file is a part of the target, outermost first.
    pub cfg: Vec<String>,
}

/// An annotated function.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The target that lists it.
    pub target: Target,
    /// The name of its attribute: `command_handler`.
    pub kind: &'static str,
    /// Its name in the registry.
    pub name: String,
    /// Its name in the source.
    pub ident: String,
    /// The modules from the crate root.
    pub module: Vec<String>,
    /// Its file, relative to the package.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its signature on one line.
    pub signature: String,
    /// The conditions under which it exists, outermost first.
    pub cfg: Vec<String>,
    /// The first line of its documentation.
    pub docs: String,
    /// The hash of its attribute's arguments and of its signature.
    pub fingerprint: u64,
}

/// A mistake that a registry reports through the compiler.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Mistake {
    /// The conditions under which it is one.
    pub cfg: Vec<String>,
    /// What is wrong, where, and what to do; mostly, it starts with `file:line: `.
    pub message: String,
}

/// Reads the sources of a package without a build.
///
/// Conditions that only a build could evaluate count as undetermined. Files that a build script
/// writes are not there.
///
/// # Example
/// ```
/// let package = lucent_codegen::Package::conventional("nothing", "/nowhere");
/// assert_eq!(lucent_codegen::outline(&package), Default::default());
/// ```
#[must_use]
pub fn outline(package: &Package) -> Outline {
    let nowhere = Path::new("no OUT_DIR outside of a build");
    let environment = Environment::default();
    let mut disk = Disk::without_cache();
    let mut outline = Outline::default();
    for target in sorted_targets(package) {
        let tree = walk(&target.source, nowhere, &environment, &mut disk);
        let model = resolve(package, &tree, &roots(package, &tree));
        outline.functions.extend(model.functions.iter().map(|listed| found(&target, listed)));
        outline.mistakes.extend(
            model.diagnostics.into_iter().map(|d| Mistake { cfg: d.cfg, message: d.message }),
        );
        outline.missing.extend(tree.missing);
        outline.sources.extend(tree.mounts.into_iter().map(|mount| Source {
            target: target.clone(),
            module: mount.module,
            file: mount.file,
            cfg: mount.cfg,
        }));
    }
    outline.missing.sort();
    outline.missing.dedup();
    outline
}

fn found(target: &Target, listed: &Listed) -> Found {
    let function = &listed.function;
    Found {
        target: target.clone(),
        kind: listed.kind.attribute(),
        name: function.name.clone(),
        ident: function.ident.clone(),
        module: listed.module.clone(),
        file: listed.file.clone(),
        line: function.line,
        signature: function.signature.clone(),
        cfg: listed.cfg.clone(),
        docs: function.docs.clone(),
        fingerprint: function.fingerprint,
    }
}
