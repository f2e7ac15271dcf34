//! What a scan leaves behind for patches.
//!
//! Invariant: in every target the names are sorted and each is there once, for a scan with mistakes leaves
//! nothing behind; every list about functions has an item for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::splice::gaps;
use crate::emit::{self, Rendered, Section};
use crate::package::{Composed, Package, Target};
use crate::resolve::{Listed, Model};
use crate::store::Disk;
use crate::store::codec::{hash, record};
use crate::walk::{Mount, Tree};

/// A target as it was scanned.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) target: &'a Target,
    pub(crate) tree: &'a Tree,
    pub(crate) roots: BTreeSet<String>,
    pub(crate) composed: Vec<Composed>,
    pub(crate) model: Model,
    pub(crate) registry: Rendered,
}

/// What a scan found and wrote.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) targets: Vec<Known>,
    /// Where each file is mounted, in the order of the stamps; `None` if its facts are a part of another
    /// file's module.
    pub(super) sites: Vec<Option<Vec<Site>>>,
    /// A section for each target.
    pub(super) manifest: Vec<Section>,
}

/// What is known of a target.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) roots: BTreeSet<String>,
    pub(super) composed: Vec<Composed>,
    pub(super) names: Vec<String>,
    /// The hashes of the marks.
    pub(super) marks: Vec<u64>,
    /// The hashes of the variants; 0 for what has none.
    pub(super) variants: Vec<u64>,
    /// The file of each function, as an index of the sites.
    pub(super) files: Vec<u32>,
    pub(super) registry: Vec<Section>,
}

/// A file in its place among the modules of a target.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) target: u32,
    pub(super) module: Vec<String>,
    pub(super) cfg: Vec<String>,
}

record!(Memory { targets, sites, manifest });
record!(Known { roots, composed, names, marks, variants, files, registry });
record!(Site { target, module, cfg });
record!(Section { start, lengths });

impl Memory {
    /// What there is to remember; `None` if the outputs cannot be patched.
    pub(super) fn of(
        package: &Package,
        disk: &Disk,
        parts: &[Part<'_>],
        manifest: &Rendered,
    ) -> Option<Self> {
        if !is_made_of_pieces(package, parts, manifest)? {
            return None;
        }
        let mut numbers = BTreeMap::new();
        for (number, file) in disk.present().enumerate() {
            let number = u32::try_from(number).ok()?;
            if numbers.insert(package.display(file), number).is_some() {
                return None;
            }
        }
        let mut sites: Vec<Option<Vec<Site>>> = Vec::new();
        sites.resize_with(numbers.len(), || Some(Vec::new()));
        for (target, part) in (0_u32..).zip(parts) {
            for mount in &part.tree.mounts {
                let number = *numbers.get(&package.display(&mount.file))?;
                let file = sites.get_mut(usize::try_from(number).ok()?)?;
                if mount.included || disk.includes(&mount.file) {
                    *file = None;
                } else if let Some(file) = file {
                    file.push(Site::of(target, mount));
                }
            }
        }
        let known = |part: &Part<'_>| Known::of(part, &numbers);
        Some(Self {
            targets: parts.iter().map(known).collect::<Option<_>>()?,
            sites,
            manifest: manifest.sections.clone(),
        })
    }

    /// Whether every list is as long as the number of functions, and every number names something.
    pub(super) fn is_whole(&self, files: usize, targets: usize) -> bool {
        let whole = |known: &Known, manifest: &Section| {
            let count = known.names.len();
            let counts = |section: &Section| section.lengths.len() == count;
            known.marks.len() == count
                && known.variants.len() == count
                && known.files.len() == count
                && known.registry.iter().all(counts)
                && counts(manifest)
                && known.files.iter().all(|&file| (file as usize) < files)
        };
        self.sites.len() == files
            && self.manifest.len() == targets
            && self.targets.len() == targets
            && self.targets.iter().zip(&self.manifest).all(|(known, section)| whole(known, section))
            && self.sites.iter().flatten().flatten().all(|site| (site.target as usize) < targets)
    }
}

impl Known {
    fn of(part: &Part<'_>, numbers: &BTreeMap<String, u32>) -> Option<Self> {
        let functions = &part.model.functions;
        Some(Self {
            roots: part.roots.clone(),
            composed: part.composed.clone(),
            names: functions.iter().map(|listed| listed.function.name.clone()).collect(),
            marks: functions.iter().map(mark_of).collect(),
            variants: functions.iter().map(variant_of).collect(),
            files: functions
                .iter()
                .map(|listed| numbers.get(&listed.file).copied())
                .collect::<Option<_>>()?,
            registry: part.registry.sections.clone(),
        })
    }
}

impl Site {
    fn of(target: u32, mount: &Mount) -> Self {
        Self { target, module: mount.module.clone(), cfg: mount.cfg.clone() }
    }

    /// The place of a file.
    pub(super) fn mount(&self, file: PathBuf) -> Mount {
        Mount { module: self.module.clone(), file, cfg: self.cfg.clone(), included: false }
    }
}

pub(super) fn mark_of(listed: &Listed) -> u64 {
    hash(listed.mark.as_bytes())
}

/// 0 if there is none.
pub(super) fn variant_of(listed: &Listed) -> u64 {
    listed.variant.as_ref().map_or(0, |variant| hash(variant.as_bytes()))
}

/// Whether what is outside of the sections is the same for all functions and for one.
fn is_made_of_pieces(package: &Package, parts: &[Part<'_>], manifest: &Rendered) -> Option<bool> {
    let mut few = Vec::new();
    for part in parts {
        let functions = part.model.functions.first().cloned().into_iter().collect();
        few.push(Model { functions, ..Model::default() });
    }
    let mut models = Vec::new();
    for (part, model) in parts.iter().zip(&few) {
        let small = emit::registry(package, part.target, &part.composed, model);
        if !alike(&small, &part.registry)? {
            return Some(false);
        }
        models.push((part.target, part.composed.as_slice(), model));
    }
    alike(&emit::manifest(package, &models), manifest)
}

fn alike(one: &Rendered, other: &Rendered) -> Option<bool> {
    let one = gaps(one.text.as_bytes(), &one.sections)?;
    Some(one == gaps(other.text.as_bytes(), &other.sections)?)
}
