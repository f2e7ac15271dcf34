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
    /// Whether it lies outside of the workspace: it is read, but not checked.
    pub(crate) external: bool,
}

/// Finds the packages of the workspace, and those beside it whose registries they compose.
pub(crate) fn locate(manifest: Option<&Path>, only: &[String]) -> Result<Workspace, Failure> {
    let metadata = ask(manifest)?;
    let root = metadata.workspace_root.clone().into_std_path_buf();
    let mut packages = Vec::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut beside: Vec<PathBuf> = Vec::new();
    for package in &metadata.packages {
        if !only.is_empty() && !only.iter().any(|name| name == package.name.as_str()) {
            continue;
        }
        seen.insert(package.manifest_path.clone().into_std_path_buf());
        if uses_lucent(package) {
            beside.extend(paths(package));
            packages.push(located(package, false));
        }
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
        let Ok(metadata) = ask(Some(&manifest)) else {
            // Cargo says so when the package is built.
            continue;
        };
        for package in
            metadata.packages.iter().filter(|p| p.manifest_path.as_std_path() == manifest)
        {
            if opts_in(package) {
                beside.extend(paths(package));
                packages.push(located(package, true));
            }
        }
    }
    packages.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    if packages.is_empty() {
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

fn located(package: &cargo_metadata::Package, external: bool) -> Located {
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
        external,
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
