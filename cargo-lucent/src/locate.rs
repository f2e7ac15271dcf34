//! Which packages are looked at.
//!
//! Invariant: cargo is only asked what is there, offline; nothing is built and nothing is written.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use lucent_codegen::{Package, Target, TargetKind};

use crate::{config::Config, failure::Failure};

/// A workspace, or a package alone.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the lock; files are named relative to it.
    pub(crate) root: PathBuf,
    pub(crate) name: String,
    pub(crate) packages: Vec<Located>,
}

/// A package that uses Lucent.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) package: Package,
    pub(crate) version: String,
    pub(crate) config: Config,
    pub(crate) manifest: PathBuf,
    /// The packages that it depends on directly.
    pub(crate) dependencies: Vec<String>,
    pub(crate) part: Part,
}

/// What a package is read for; each includes those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Part {
    /// Others spell out its types.
    Types,
    /// It is listed, drawn and cataloged.
    Listed,
    /// It is checked, and its shapes are locked.
    Checked,
}

/// Finds the packages of the workspace that use Lucent, and those that they depend on by path.
pub(crate) fn locate(manifest: Option<&Path>, only: &[String]) -> Result<Workspace, Failure> {
    let metadata = ask(manifest)?;
    let root = metadata.workspace_root.clone().into_std_path_buf();
    let mut packages = Vec::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut beside: Vec<PathBuf> = Vec::new();
    let is_meant = |package: &cargo_metadata::Package| {
        only.is_empty() || only.iter().any(|name| name == package.name.as_str())
    };
    for package in metadata.packages.iter().filter(|package| uses_lucent(package)) {
        seen.insert(package.manifest_path.clone().into_std_path_buf());
        beside.extend(paths(package));
        let part = if is_meant(package) { Part::Checked } else { Part::Types };
        packages.push(located(package, part));
    }
    if let Some(unknown) = only.iter().find(|name| {
        !metadata.packages.iter().any(|package| package.name.as_str() == name.as_str())
    }) {
        let names: Vec<&str> =
            metadata.packages.iter().map(|package| package.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "this workspace has no package `{unknown}`; it has {}",
            names.join(", ")
        )));
    }
    while let Some(manifest) = beside.pop() {
        if !seen.insert(manifest.clone()) {
            continue;
        }
        let is_it = |package: &&cargo_metadata::Package| {
            package.manifest_path.as_std_path() == manifest && !is_lucent(package)
        };
        if let Some(member) = metadata.packages.iter().find(is_it) {
            beside.extend(paths(member));
            packages.push(located(member, Part::Types));
        } else if let Ok(outside) = ask(Some(&manifest))
            && let Some(package) = outside.packages.iter().find(is_it)
        {
            // Where cargo cannot say what is there, it says so when the package is built.
            beside.extend(paths(package));
            let listed = only.is_empty() && opts_in(package);
            packages.push(located(package, if listed { Part::Listed } else { Part::Types }));
        }
    }
    packages.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    if !packages.iter().any(|located| located.part == Part::Checked) {
        return Err(Failure::Usage(format!(
            "no package of {} uses Lucent: `cargo lucent new <name>` makes one that does, and a package \
             without `lucent_codegen::build()` in its build.rs is looked at if its manifest has \
             `[package.metadata.lucent]`",
            root.display()
        )));
    }
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Workspace { root, name, packages })
}

impl Located {
    pub(crate) fn is_checked(&self) -> bool {
        self.part == Part::Checked
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.part >= Part::Listed
    }
}

impl Workspace {
    /// How a file is called: relative to the workspace where it lies in it, with forward slashes.
    pub(crate) fn shown(&self, file: &Path) -> String {
        let relative = file.strip_prefix(&self.root).unwrap_or(file);
        let parts: Vec<_> =
            relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/").replace("//", "/")
    }
}

fn ask(manifest: Option<&Path>) -> Result<Metadata, Failure> {
    let mut command = MetadataCommand::new();
    command.no_deps().other_options(["--offline".to_owned()]);
    if let Some(manifest) = manifest {
        command.manifest_path(manifest);
    }
    command.exec().map_err(|error| {
        let text = error.to_string();
        let text = text.trim_start_matches("`cargo metadata` exited with an error: ").trim();
        let text = text.trim_start_matches("error: ");
        Failure::Usage(format!("cargo cannot say what is here: {text}"))
    })
}

fn uses_lucent(package: &cargo_metadata::Package) -> bool {
    let builds = package.dependencies.iter().any(|dependency| {
        dependency.kind == DependencyKind::Build && dependency.name == "lucent-codegen"
    });
    builds || package.metadata.get("lucent").is_some()
}

/// Whether a package is a part of Lucent: its types are opaque, as those of other dependencies are.
fn is_lucent(package: &cargo_metadata::Package) -> bool {
    package.repository.as_deref() == Some(env!("CARGO_PKG_REPOSITORY"))
        && package.name.starts_with("lucent-")
}

fn opts_in(package: &cargo_metadata::Package) -> bool {
    let table = package.metadata.get("lucent");
    table.and_then(|table| table.get("registry")).and_then(serde_json::Value::as_bool) == Some(true)
}

fn paths(package: &cargo_metadata::Package) -> impl Iterator<Item = PathBuf> + '_ {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .filter_map(|dependency| {
            Some(dependency.path.as_ref()?.join("Cargo.toml").into_std_path_buf())
        })
}

fn located(package: &cargo_metadata::Package, part: Part) -> Located {
    let manifest = package.manifest_path.clone().into_std_path_buf();
    let root = manifest.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut found = Package::conventional(package.name.as_str(), root);
    found.targets = package.targets.iter().filter_map(target).collect();
    let core = package.dependencies.iter().find(|dependency| dependency.name == "lucent-core");
    if let Some(name) = core.and_then(|core| core.rename.as_ref()) {
        found.roots.push(name.replace('-', "_"));
    }
    let table = package.metadata.get("lucent").unwrap_or(&serde_json::Value::Null);
    if let Some(facades) = table.get("facades").and_then(|names| names.as_array()) {
        let names = facades.iter().filter_map(|name| name.as_str());
        found.roots.extend(names.map(|name| name.replace('-', "_")));
    }
    Located {
        package: found,
        version: package.version.to_string(),
        config: Config::read(table),
        manifest,
        dependencies: package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.clone())
            .collect(),
        part,
    }
}

fn target(target: &cargo_metadata::Target) -> Option<Target> {
    let kind = if target.is_bin() {
        TargetKind::Bin
    } else if target.is_lib() || target.is_rlib() || target.is_dylib() || target.is_cdylib() {
        TargetKind::Lib
    } else {
        return None;
    };
    Some(Target::new(kind, &target.name, target.src_path.as_std_path()))
}
