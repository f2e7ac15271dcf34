//! The scan of a package: walk, skim, resolve, emit.
//!
//! Invariant: besides its files in `out_dir` it changes nothing.

use std::io;
use std::path::{Path, PathBuf};

use crate::cfg::Environment;
use crate::emit;
use crate::package::{Composed, Package, Target, TargetKind};
use crate::patch::{self, Part};
use crate::resolve::{resolve, roots};
use crate::store::stamp::{self, Recall};
use crate::store::{Disk, keep_changed};
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
    /// Whether the modules were walked. If not, what the last scan wrote was kept, or patched.
    pub walked: bool,
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
    let recall = stamp::recall(package, environment, out_dir);
    if let Some(summary) = recall.and_then(|recall| recalled(package, out_dir, recall)) {
        return Ok(summary);
    }
    let mut disk = Disk::open(out_dir);
    let mut outputs = vec![out_dir.join(MANIFEST), disk.cache_file(), patch::memory_file(out_dir)];
    let mut summary = Summary { walked: true, ..Summary::default() };
    let trees: Vec<(Target, Tree)> = sorted_targets(package)
        .into_iter()
        .map(|target| {
            let tree = walk(&target.source, out_dir, environment, &mut disk);
            (target, tree)
        })
        .collect();
    let library = linked_library(&trees);
    let mut parts = Vec::new();
    for (target, tree) in &trees {
        let roots = roots(package, tree);
        let model = resolve(package, tree, &roots);
        let composed = composed_of(package, target, library.as_ref());
        let registry = emit::registry(package, target, &composed, &model);
        outputs.push(out_dir.join(target.registry_file()));
        summary.write(out_dir.join(target.registry_file()), registry.text.as_bytes())?;
        summary.functions += model.functions.len();
        summary.mistakes += model.diagnostics.len();
        if !tree.registry && !model.functions.is_empty() {
            summary.mistakes += 1;
            summary.unregistered.push(target.source.clone());
        }
        parts.push(Part { target, tree, roots, composed, model, registry });
    }
    let models: Vec<_> =
        parts.iter().map(|part| (part.target, part.composed.as_slice(), &part.model)).collect();
    let manifest = emit::manifest(package, &models);
    let mut text = manifest.text.clone().into_bytes();
    emit::close(&mut text);
    summary.write(out_dir.join(MANIFEST), &text)?;
    summary.files = disk.files();
    summary.skimmed = disk.skimmed();
    summary.watched = watched(package, out_dir, &trees);
    disk.save();
    if summary.mistakes == 0 {
        patch::keep(package, out_dir, &disk, &parts, &manifest);
    }
    stamp::keep(package, environment, out_dir, &disk, &outputs, &summary)?;
    Ok(summary)
}

/// What is left to do if the last scan still holds, except for the functions of some files.
fn recalled(package: &Package, out_dir: &Path, mut recall: Recall) -> Option<Summary> {
    let changed = std::mem::take(&mut recall.changed);
    if changed.is_empty() {
        return recall.finish(None);
    }
    let patched = patch::patch(package, out_dir, recall.files(), &changed)?;
    keep_changed(out_dir, changed)?;
    recall.finish(Some(patched))
}

impl Summary {
    fn write(&mut self, path: PathBuf, text: &[u8]) -> io::Result<()> {
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

pub(crate) const MANIFEST: &str = "lucent_manifest.json";
