//! Which direct dependencies have a registry to compose.
//!
//! Invariant: a dependency is listed iff it opts in by `[package.metadata.lucent] registry = true`
//! and the features of this build switch it on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::{Dependency, DependencyKind, Metadata};
use serde_json::Value;

use crate::cfg::Environment;
use crate::package::Composed;

use super::lock::Lock;
use super::metadata::find;

/// What `cargo metadata --no-deps` says.
pub(super) struct Members<'a>(pub(super) &'a Metadata);

/// The dependencies found, and the manifests that decided.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) composed: Vec<Composed>,
    pub(super) watched: Vec<PathBuf>,
    /// Why dependencies from elsewhere are not among them, if they are not.
    pub(super) problem: Option<String>,
}

/// Finds the dependencies of `own` that opt in.
pub(super) fn composed(
    own: &cargo_metadata::Package,
    members: &Members<'_>,
    lock: &Path,
    environment: &Environment,
    whole: impl FnOnce() -> Result<Metadata, String>,
) -> Found {
    let mut found = Found::default();
    let mut names: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    let (near, far): (Vec<&Dependency>, Vec<&Dependency>) = own
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .filter(|dependency| is_active(own, dependency, environment))
        .partition(|dependency| dependency.path.is_some());
    for dependency in near {
        let Some(folder) = &dependency.path else {
            continue;
        };
        let manifest = folder.as_std_path().join("Cargo.toml");
        if let Some(library) = members.library(&manifest, &dependency.name) {
            note(&mut names, dependency, library, environment);
        }
        found.watched.push(manifest);
    }
    let lock_text = std::fs::read_to_string(lock).unwrap_or_default();
    let graph = Lock::parse(&lock_text);
    let far: Vec<&Dependency> = far
        .into_iter()
        .filter(|dependency| graph.reaches(&dependency.name, "lucent-core"))
        .collect();
    if !far.is_empty() {
        match whole() {
            Ok(whole) => {
                for dependency in far {
                    if let Some(library) = library_in_graph(&whole, own, dependency) {
                        note(&mut names, dependency, library, environment);
                    }
                }
            }
            Err(problem) => found.problem = Some(problem),
        }
        found.watched.push(lock.to_path_buf());
    }
    found.composed = names.into_iter().map(merged).collect();
    found
}

/// The `[package.metadata.lucent]` of a package.
pub(super) fn lucent_table(package: &cargo_metadata::Package) -> &Value {
    package.metadata.get("lucent").unwrap_or(&Value::Null)
}

impl Members<'_> {
    /// The library of a package that opts in, be it a member or a package beside.
    fn library(&self, manifest: &Path, name: &str) -> Option<String> {
        match find(self.0, manifest, name) {
            Some(package) => opted_in_library(package),
            None => library_of_manifest(&std::fs::read_to_string(manifest).ok()?, name),
        }
    }
}

fn opted_in_library(package: &cargo_metadata::Package) -> Option<String> {
    let opts_in = lucent_table(package).get("registry") == Some(&Value::Bool(true));
    let library = package
        .targets
        .iter()
        .find(|target| target.is_lib() || target.is_rlib() || target.is_dylib());
    Some(library.filter(|_| opts_in)?.name.replace('-', "_"))
}

fn library_in_graph(
    whole: &Metadata,
    own: &cargo_metadata::Package,
    dependency: &Dependency,
) -> Option<String> {
    let node = whole.resolve.as_ref()?.nodes.iter().find(|node| node.id == own.id)?;
    node.deps
        .iter()
        .filter_map(|edge| whole.packages.iter().find(|package| package.id == edge.pkg))
        .filter(|package| {
            package.name.as_str() == dependency.name && dependency.req.matches(&package.version)
        })
        .find_map(opted_in_library)
}

/// Reads as much of a manifest outside of the workspace as is needed, line by line.
fn library_of_manifest(text: &str, name: &str) -> Option<String> {
    let mut section = String::new();
    let mut opts_in = false;
    let mut library = name.to_owned();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or(line).trim()) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']', ' ']).to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            match (section.as_str(), key.trim()) {
                ("package.metadata.lucent", "registry") => opts_in = value == "true",
                ("lib", "name") => library = value.trim_matches(['"', '\'']).to_owned(),
                _ => {}
            }
        }
    }
    opts_in.then(|| library.replace('-', "_"))
}

/// Whether the features of this build switch an optional dependency on.
fn is_active(
    own: &cargo_metadata::Package,
    dependency: &Dependency,
    environment: &Environment,
) -> bool {
    let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
    let switches_on = |value: &String| {
        value.strip_prefix("dep:") == Some(key)
            || value.split_once('/').is_some_and(|(dependency, _)| dependency == key)
    };
    !dependency.optional
        || own.features.iter().any(|(feature, values)| {
            environment.has_feature(feature) && values.iter().any(switches_on)
        })
}

/// Notes a dependency under the name that the code uses, with the platform it is for.
fn note(
    names: &mut BTreeMap<String, Vec<Option<String>>>,
    dependency: &Dependency,
    library: String,
    environment: &Environment,
) {
    let platform = dependency.target.as_ref().map(ToString::to_string);
    let cfg = match platform {
        None => None,
        Some(platform) => {
            match platform.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) {
                Some(predicate) => Some(predicate.to_owned()),
                None if environment.get("TARGET") == Some(platform.as_str()) => None,
                None => return,
            }
        }
    };
    let name = match &dependency.rename {
        Some(rename) => rename.replace('-', "_"),
        None => library,
    };
    names.entry(name).or_default().push(cfg);
}

fn merged((crate_name, cfgs): (String, Vec<Option<String>>)) -> Composed {
    let conditions: Option<Vec<String>> = cfgs.into_iter().collect();
    let cfg = conditions.map(|mut conditions| {
        conditions.sort();
        conditions.dedup();
        match conditions.as_slice() {
            [condition] => condition.clone(),
            _ => format!("any({})", conditions.join(", ")),
        }
    });
    Composed { crate_name, cfg }
}
