//! The scan of a package: walk, skim, resolve, emit.
//!
//! Invariant: besides its files in `out_dir` it changes nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::cfg::Environment;
use crate::emit;
use crate::package::{Composed, Package, Target, TargetKind};
use crate::resolve::resolve;
use crate::store::{Disk, stamp};
use crate::walk::{Tree, walk};

/// What a scan did.
///
/// # Example
/// ```no_run
/// let package = lucent_codegen::Package::conventional("bank", "/src/bank");
/// let summary = lucent_codegen::scan(&package, "/tmp/out".as_ref())?;
/// assert!(summary.skimmed <= summary.files);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// How many source files the targets consist of.
    pub files: usize,
    /// How many of them were skimmed because their content was new.
    pub skimmed: usize,
    /// How many functions the registries list.
    pub functions: usize,
    /// How many mistakes the registries report.
    pub mistakes: usize,
    /// The roots of targets that have functions for a registry and make none.
    pub unregistered: Vec<PathBuf>,
    /// The files that were written because their content changed.
    pub written: Vec<PathBuf>,
    /// The files and folders whose change requires another scan.
    pub watched: Vec<PathBuf>,
}

/// Scans a package and writes its registries and its manifest into `out_dir`.
///
/// Facts of unchanged files come from a cache in `out_dir`. Mistakes in the sources are no
/// errors: they are written as `compile_error!` into the registry, or left to rustc.
///
/// # Errors
/// When a file cannot be written.
pub fn scan(package: &Package, out_dir: &Path) -> io::Result<Summary> {
    scan_in(package, out_dir, &Environment::of_process())
}

pub(crate) fn scan_in(
    package: &Package,
    out_dir: &Path,
    environment: &Environment,
) -> io::Result<Summary> {
    if let Some(summary) = stamp::recall(package, environment, out_dir) {
        return Ok(summary);
    }
    let mut disk = Disk::open(out_dir);
    let mut outputs = vec![out_dir.join("lucent_manifest.json"), disk.cache_file()];
    let mut summary = Summary::default();
    let trees: Vec<(Target, Tree)> = sorted_targets(package)
        .into_iter()
        .map(|target| {
            let tree = walk(&target.source, out_dir, environment, &mut disk);
            (target, tree)
        })
        .collect();
    let library = linked_library(&trees);
    let mut models = Vec::new();
    for (target, tree) in &trees {
        let model = resolve(package, tree);
        let composed = composed_of(package, target, library.as_ref());
        let text = emit::registry(package, target, &composed, &model);
        outputs.push(out_dir.join(target.registry_file()));
        summary.write(out_dir.join(target.registry_file()), &text)?;
        summary.functions += model.functions.len();
        summary.mistakes += model.diagnostics.len();
        if !tree.registry && !model.functions.is_empty() {
            summary.mistakes += 1;
            summary.unregistered.push(target.source.clone());
        }
        models.push((target.clone(), composed, model));
    }
    let manifest = emit::manifest(package, &models);
    summary.write(out_dir.join("lucent_manifest.json"), &manifest)?;
    summary.files = disk.files();
    summary.skimmed = disk.skimmed();
    summary.watched = watched(package, out_dir, &trees);
    disk.save();
    stamp::keep(package, environment, out_dir, &disk, &outputs, &summary)?;
    Ok(summary)
}

impl Summary {
    fn write(&mut self, path: PathBuf, text: &str) -> io::Result<()> {
        if emit::write_if_changed(&path, text)? {
            self.written.push(path);
        }
        Ok(())
    }
}

pub(crate) fn sorted_targets(package: &Package) -> Vec<Target> {
    let mut targets = package.targets.clone();
    targets.sort_by(|a, b| (a.kind, &a.crate_name).cmp(&(b.kind, &b.crate_name)));
    targets
}

/// The library that the package's binaries compose: it links, and it has a registry.
fn linked_library(trees: &[(Target, Tree)]) -> Option<Composed> {
    let (library, _) = trees.iter().find(|(target, tree)| target.linkable && tree.registry)?;
    Some(Composed { crate_name: library.crate_name.clone(), cfg: None })
}

fn composed_of(package: &Package, target: &Target, library: Option<&Composed>) -> Vec<Composed> {
    let mut composed = package.composed.clone();
    if target.kind == TargetKind::Bin {
        composed.extend(library.cloned());
    }
    composed.sort();
    composed.dedup();
    composed
}

fn watched(package: &Package, out_dir: &Path, trees: &[(Target, Tree)]) -> Vec<PathBuf> {
    let mut watched = package.watched.clone();
    for (_, tree) in trees {
        // A file in OUT_DIR was written by this very build script: it would always look new.
        watched.extend(tree.files.iter().filter(|file| !file.starts_with(out_dir)).cloned());
        watched.extend(tree.awaited.iter().cloned());
    }
    watched.sort();
    watched.dedup();
    watched
}

/// Lists targets the way attributes read them.
pub(crate) fn target_list(package: &Package) -> String {
    let ids: Vec<String> = sorted_targets(package).iter().map(Target::id).collect();
    ids.join(",")
}
