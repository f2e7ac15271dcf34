//! The packages of the workspace, as cargo sees them.
//!
//! Invariant: nothing here is read from a list kept by hand.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::Failure;

/// The workspace that this program belongs to.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// The folder of build results.
    pub target: PathBuf,
    /// The members, sorted by name.
    pub packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// The package's folder, relative to the root.
    pub folder: PathBuf,
    /// What the manifest asks for.
    pub dependencies: Vec<Dependency>,
    /// The files that its targets start from, relative to the root of the workspace.
    pub roots: Vec<PathBuf>,
    /// The names of its binaries.
    pub programs: Vec<String>,
}

/// A dependency as a manifest declares it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name of the package that is depended on, whatever it is renamed to.
    pub name: String,
    /// When it is needed.
    pub kind: DependencyKind,
}

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DependencyKind {
    /// By the build script.
    Build,
    /// By tests and examples.
    Development,
    /// By the code itself.
    Normal,
}

impl Workspace {
    /// Asks cargo, without resolving versions and without the network.
    ///
    /// # Errors
    /// If cargo cannot be run, or if a manifest of the workspace does not parse.
    pub fn load() -> Result<Self, Failure> {
        let root = root_folder();
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .current_dir(&root)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::Setup(format!("cannot run `cargo metadata`: {error}")))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Setup(format!("`cargo metadata` failed: {reason}")));
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::Setup(format!("cannot read cargo's metadata: {error}")))?;
        Ok(Self::from_metadata(&metadata))
    }

    fn from_metadata(metadata: &Value) -> Self {
        let root = PathBuf::from(text(&metadata["workspace_root"]));
        let mut packages: Vec<Package> = list(&metadata["packages"])
            .map(|package| Package::from_metadata(&root, package))
            .collect();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Self { target: PathBuf::from(text(&metadata["target_directory"])), packages, root }
    }

    /// The member of this name.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn from_metadata(root: &Path, package: &Value) -> Self {
        let manifest = Path::new(text(&package["manifest_path"]));
        let inside = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
        Self {
            name: text(&package["name"]).to_owned(),
            folder: inside(manifest.parent().unwrap_or(root)),
            roots: list(&package["targets"])
                .map(|target| inside(Path::new(text(&target["src_path"]))))
                .collect(),
            dependencies: list(&package["dependencies"]).map(Dependency::from_metadata).collect(),
            programs: list(&package["targets"])
                .filter(|target| list(&target["kind"]).any(|kind| kind == "bin"))
                .map(|target| text(&target["name"]).to_owned())
                .collect(),
        }
    }

    /// Whether the manifest names this package, for whatever use.
    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == name)
    }
}

impl Dependency {
    fn from_metadata(dependency: &Value) -> Self {
        Self {
            name: text(&dependency["name"]).to_owned(),
            kind: match text(&dependency["kind"]) {
                "build" => DependencyKind::Build,
                "dev" => DependencyKind::Development,
                _ => DependencyKind::Normal,
            },
        }
    }
}

/// The folder above this package, also if the project was moved after it was built.
fn root_folder() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_knows_this_package() {
        let workspace = Workspace::load().unwrap();
        let xtask = workspace.package("xtask").unwrap();
        assert_eq!(xtask.folder, Path::new("xtask"));
        assert_eq!(xtask.programs, ["xtask"]);
        assert!(xtask.roots.contains(&PathBuf::from("xtask/tests/main.rs")));
        assert!(xtask.depends_on("serde_json"));
    }

    #[test]
    fn renames_and_kinds_are_seen_through() {
        let metadata = serde_json::json!({
            "workspace_root": "/p", "target_directory": "/p/target",
            "packages": [{
                "name": "app", "manifest_path": "/p/examples/app/Cargo.toml",
                "targets": [{ "name": "app", "kind": ["lib"] }],
                "dependencies": [
                    { "name": "lucent-core", "rename": "core", "kind": null },
                    { "name": "lucent-codegen", "kind": "build" },
                ],
            }],
        });
        let workspace = Workspace::from_metadata(&metadata);
        let app = workspace.package("app").unwrap();
        assert_eq!(app.folder, Path::new("examples/app"));
        assert!(app.programs.is_empty());
        let kinds: Vec<_> = app.dependencies.iter().map(|d| (d.name.as_str(), d.kind)).collect();
        assert_eq!(
            kinds,
            [("lucent-core", DependencyKind::Normal), ("lucent-codegen", DependencyKind::Build),]
        );
    }
}
