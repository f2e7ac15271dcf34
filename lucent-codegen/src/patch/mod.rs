//! Puts the functions of a few changed files into what the last scan wrote.
//!
//! Invariant: what is written is byte for byte what a whole scan would write; in doubt there is a whole
//! scan. So a file that mounts others than before is never patched, nor is anything that would be a
//! mistake.

mod edit;
mod memory;
mod splice;

use std::path::{Path, PathBuf};

pub(crate) use memory::Part;

use crate::emit::{self, Rendered};
use crate::package::{Package, Target};
use crate::resolve::{resolve, roots};
use crate::scan::{MANIFEST, sorted_targets};
use crate::store::codec::{seal, unseal};
use crate::store::{Changed, Disk};
use crate::walk::walk_file;

use edit::{Edit, Fresh};
use memory::Memory;
use splice::spliced;

/// What a patch did.
#[derive(Debug)]
pub(crate) struct Patched {
    /// The files that were written because their content changed.
    pub(crate) written: Vec<PathBuf>,
    /// How many functions the registries list.
    pub(crate) functions: usize,
}

/// The file that keeps what patches need.
pub(crate) fn memory_file(out_dir: &Path) -> PathBuf {
    out_dir.join("lucent_patch.cache")
}

/// Keeps what patches need. Without it, the next scan is a whole one.
pub(crate) fn keep(
    package: &Package,
    out_dir: &Path,
    disk: &Disk,
    parts: &[Part<'_>],
    manifest: &Rendered,
) {
    let memory = Memory::of(package, disk, parts, manifest);
    let sealed = memory.map(|memory| seal(HEADER, &memory)).unwrap_or_default();
    std::fs::write(memory_file(out_dir), sealed).ok();
}

/// Patches the outputs of a scan of `files` files; `None` if that takes a whole scan.
pub(crate) fn patch(
    package: &Package,
    out_dir: &Path,
    files: usize,
    changed: &[Changed],
) -> Option<Patched> {
    let mut memory: Memory = unseal(HEADER, &std::fs::read(memory_file(out_dir)).ok()?)?;
    let targets = sorted_targets(package);
    if !memory.is_whole(files, targets.len()) {
        return None;
    }
    let fresh = found(package, &memory, changed)?;
    let edits = (memory.targets.iter().zip(fresh))
        .map(|(known, fresh)| Edit::of(known, changed, fresh))
        .collect::<Option<Vec<_>>>()?;
    let mut written = Vec::new();
    if !edits.iter().all(Edit::is_empty) {
        manifest(package, out_dir, &targets, &mut memory, &edits, &mut written)?;
        for ((target, known), edit) in targets.iter().zip(&mut memory.targets).zip(edits) {
            if edit.is_empty() {
                continue;
            }
            let path = out_dir.join(target.registry_file());
            let old = std::fs::read(&path).ok()?;
            let rendered =
                edit.render(|model| emit::registry(package, target, &known.composed, model));
            let steps = vec![edit.steps.as_slice(); known.registry.len()];
            let (text, sections) = spliced(&old, &known.registry, &steps, rendered.as_ref())?;
            write(path, &old, &text, &mut written)?;
            known.registry = sections;
            edit.apply(known);
        }
        std::fs::write(memory_file(out_dir), seal(HEADER, &memory)).ok()?;
    }
    let functions = memory.targets.iter().map(|known| known.names.len()).sum();
    Some(Patched { written, functions })
}

/// The functions of the changed files, target by target.
fn found(package: &Package, memory: &Memory, changed: &[Changed]) -> Option<Vec<Vec<Fresh>>> {
    let mut found: Vec<Vec<Fresh>> = memory.targets.iter().map(|_| Vec::new()).collect();
    for change in changed {
        for site in memory.sites.get(change.number)?.as_ref()? {
            let target = usize::try_from(site.target).ok()?;
            let known = memory.targets.get(target)?;
            let tree = walk_file(&site.mount(PathBuf::from(&change.path)), &change.facts);
            if site.module.is_empty() && roots(package, &tree) != known.roots {
                return None;
            }
            let model = resolve(package, &tree, &known.roots);
            if !model.diagnostics.is_empty() {
                return None;
            }
            let number = u32::try_from(change.number).ok()?;
            let fresh = model.functions.into_iter().map(|listed| Fresh { number, listed });
            found.get_mut(target)?.extend(fresh);
        }
    }
    Some(found)
}

fn manifest(
    package: &Package,
    out_dir: &Path,
    targets: &[Target],
    memory: &mut Memory,
    edits: &[Edit],
    written: &mut Vec<PathBuf>,
) -> Option<()> {
    let path = out_dir.join(MANIFEST);
    let mut old = std::fs::read(&path).ok()?;
    emit::reopen(&mut old);
    let mut models = Vec::new();
    for ((target, known), edit) in targets.iter().zip(&memory.targets).zip(edits) {
        models.push((target, known.composed.as_slice(), &edit.model));
    }
    let some = edits.iter().any(|edit| !edit.model.functions.is_empty());
    let rendered = some.then(|| emit::manifest(package, &models));
    let steps: Vec<_> = edits.iter().map(|edit| edit.steps.as_slice()).collect();
    let (mut text, sections) = spliced(&old, &memory.manifest, &steps, rendered.as_ref())?;
    emit::close(&mut old);
    emit::close(&mut text);
    memory.manifest = sections;
    write(path, &old, &text, written)
}

fn write(path: PathBuf, old: &[u8], text: &[u8], written: &mut Vec<PathBuf>) -> Option<()> {
    if old != text {
        std::fs::write(&path, text).ok()?;
        written.push(path);
    }
    Some(())
}

/// Names the format; a new version of this crate starts with a whole scan.
const HEADER: &str = concat!("lucent patch 2 of ", env!("CARGO_PKG_VERSION"), "\n");
