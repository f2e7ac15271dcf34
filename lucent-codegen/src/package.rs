//! What the scan must know of a package.
//!
//! Invariant: plain data; how it is found out is `locate`'s business.

use std::path::{Path, PathBuf};

/// A package to scan.
///
/// # Example
/// ```
/// let package = lucent_codegen::Package::conventional("bank", "/src/bank");
/// assert_eq!(package.core, "::lucent_core");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// The folder of its manifest.
    pub root: PathBuf,
    /// Its library and its binaries.
    pub targets: Vec<Target>,
    /// The path of lucent-core in this package's code: `::lucent_core` unless renamed.
    pub core: String,
    /// The crates whose `command_handler` is Lucent's.
    pub roots: Vec<String>,
    /// The dependencies that have a registry of their own.
    pub composed: Vec<Composed>,
    /// Whether the registries have a method for each function, over which the compiler takes its time.
    pub call_methods: bool,
    /// Manifests and folders that decide the fields above.
    pub watched: Vec<PathBuf>,
}

/// A library or a binary.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// Which of both.
    pub kind: TargetKind,
    /// The name of its crate.
    pub crate_name: String,
    /// The file of its crate root.
    pub source: PathBuf,
    /// Whether other targets of the package can link it.
    pub linkable: bool,
}

/// The kinds of targets that have a registry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TargetKind {
    /// A library.
    Lib,
    /// A binary.
    Bin,
}

/// A dependency whose registry becomes part of this one.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Composed {
    /// The name of the dependency in this package's code.
    pub crate_name: String,
    /// The predicate of `[target.'cfg(…)'.dependencies]`, if it stands there.
    pub cfg: Option<String>,
}

impl Package {
    /// A package whose targets stand where cargo expects them by default.
    #[must_use]
    pub fn conventional(name: &str, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            name: name.to_owned(),
            targets: conventional_targets(name, &root),
            core: "::lucent_core".to_owned(),
            roots: vec!["lucent_core".to_owned(), "lucent_macros".to_owned()],
            composed: Vec::new(),
            call_methods: false,
            watched: vec![root.join("Cargo.toml")],
            root,
        }
    }

    /// Adds a dependency that has a registry.
    #[must_use]
    pub fn composing(mut self, crate_name: &str) -> Self {
        self.composed.push(Composed { crate_name: crate_name.to_owned(), cfg: None });
        self
    }

    /// Asks for a method for each function.
    #[must_use]
    pub fn with_call_methods(mut self) -> Self {
        self.call_methods = true;
        self
    }

    /// How a file is called in messages: relative to the package, with forward slashes.
    pub(crate) fn display(&self, file: &Path) -> String {
        let relative = file.strip_prefix(&self.root).unwrap_or(file);
        let mut parts: Vec<String> = Vec::new();
        for component in relative.components() {
            let part = component.as_os_str().to_string_lossy().into_owned();
            match part.as_str() {
                "." => {}
                ".." if parts.last().is_some_and(|last| last != "..") => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        parts.join("/").replace("//", "/")
    }
}

impl Target {
    /// A target.
    #[must_use]
    pub fn new(kind: TargetKind, crate_name: &str, source: impl Into<PathBuf>) -> Self {
        Self {
            kind,
            crate_name: crate_name.replace('-', "_"),
            source: source.into(),
            linkable: kind == TargetKind::Lib,
        }
    }

    /// `lib:bank`: how attributes recognize their own target.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind.name(), self.crate_name)
    }

    /// The name of the file that `registry!()` includes.
    pub(crate) fn registry_file(&self) -> String {
        format!("lucent_registry_{}_{}.rs", self.kind.name(), self.crate_name)
    }
}

impl TargetKind {
    /// `lib` or `bin`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lib => "lib",
            Self::Bin => "bin",
        }
    }
}

fn conventional_targets(name: &str, root: &Path) -> Vec<Target> {
    let source = root.join("src");
    let mut targets = Vec::new();
    let mut add = |kind, name: &str, file: PathBuf| {
        if file.is_file() {
            targets.push(Target::new(kind, name, file));
        }
    };
    add(TargetKind::Lib, name, source.join("lib.rs"));
    add(TargetKind::Bin, name, source.join("main.rs"));
    let mut binaries: Vec<PathBuf> = std::fs::read_dir(source.join("bin"))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    binaries.sort();
    for path in binaries {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
            continue;
        };
        if path.is_dir() {
            add(TargetKind::Bin, stem, path.join("main.rs"));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            add(TargetKind::Bin, stem, path.clone());
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_relative_to_the_package() {
        let package = Package::conventional("bank", "/w/bank");
        for (file, shown) in [
            ("/w/bank/src/a.rs", "src/a.rs"),
            ("/w/bank/src/a/../b.rs", "src/b.rs"),
            ("/w/bank/../shared/b.rs", "../shared/b.rs"),
        ] {
            assert_eq!(package.display(Path::new(file)), shown);
        }
    }
}
