//! Finds out what the package consists of.
//!
//! Invariant: cargo is asked only if something that it would read has changed since it was asked
//! last, never builds, never goes online, and is given up on after a while. The answer may be
//! poorer then, but there always is one.

mod dependencies;
mod lock;
mod metadata;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cfg::Environment;
use crate::package::{Composed, Package, Target, TargetKind};
use crate::store::codec::{Record, hash, record, seal, unseal};

use metadata::Located;

/// What is asked about: the package that cargo builds.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// The cargo that builds.
    pub(crate) cargo: OsString,
    pub(crate) name: String,
    /// The folder of the manifest.
    pub(crate) root: PathBuf,
    pub(crate) out_dir: &'a Path,
    pub(crate) environment: &'a Environment,
}

/// The package, and a sentence for the user where cargo could not tell.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) package: Package,
    pub(crate) warning: Option<String>,
}

/// Answers from the cache, from cargo, or from convention.
pub(crate) fn locate(question: &Question<'_>) -> Answer {
    let cache = question.out_dir.join("lucent_package.cache");
    let key = key(question);
    if let Some(package) = remember(&cache, key) {
        return Answer { package, warning: None };
    }
    match metadata::ask(question) {
        Ok(Located { package, problem: Some(problem), .. }) => Answer {
            package,
            warning: Some(format!(
                "lucent-codegen composes only the dependencies beside `{}`, for {problem}",
                question.name
            )),
        },
        Ok(Located { package, inputs, problem: None }) => {
            let inputs = inputs.iter().map(|path| Input::of(path)).collect();
            let remembered = Remembered { key, inputs, package };
            // Without a cache the next build asks again.
            std::fs::write(cache, seal(HEADER, &remembered)).ok();
            Answer { package: remembered.package, warning: None }
        }
        Err(problem) => Answer {
            package: Package::conventional(&question.name, &question.root),
            warning: Some(format!(
                "lucent-codegen takes the targets of `{}` from convention and composes no dependencies, \
                 for {problem}",
                question.name
            )),
        },
    }
}

fn key(question: &Question<'_>) -> u64 {
    let mut text = format!("{}\n{}\n", question.name, question.root.display());
    for (name, value) in question.environment.iter() {
        if name.starts_with("CARGO_FEATURE_") || name == "TARGET" {
            text.push_str(&format!("{name}={value}\n"));
        }
    }
    hash(text.as_bytes())
}

fn remember(cache: &Path, key: u64) -> Option<Package> {
    let bytes = std::fs::read(cache).ok()?;
    let remembered: Remembered = unseal(HEADER, &bytes)?;
    let fresh = remembered.key == key
        && remembered.inputs.iter().all(|input| Input::of(&input.path).hash == input.hash);
    fresh.then_some(remembered.package)
}

/// An answer, and what it rests on.
struct Remembered {
    key: u64,
    inputs: Vec<Input>,
    package: Package,
}

/// A file by its content, a folder by the names in it.
struct Input {
    path: PathBuf,
    hash: u64,
}

impl Input {
    fn of(path: &Path) -> Self {
        let hash = if let Ok(bytes) = std::fs::read(path) {
            hash(&bytes)
        } else {
            hash(names(path).join("\n").as_bytes())
        };
        Self { path: path.to_path_buf(), hash }
    }
}

/// The names in a folder, and whether those that are folders have a `main.rs`.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| {
                    let main = entry.path().join("main.rs").is_file();
                    format!("{} {main}", entry.file_name().to_string_lossy())
                })
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

record!(Remembered { key, inputs, package });
record!(Input { path, hash });
record!(Package { name, root, targets, core, roots, composed, call_methods, watched });
record!(Target { kind, crate_name, source, linkable });
record!(Composed { crate_name, cfg });

impl Record for TargetKind {
    fn write(&self, out: &mut Vec<u8>) {
        (*self == Self::Lib).write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(input)? { Self::Lib } else { Self::Bin })
    }
}

const HEADER: &str = concat!("lucent package 2 of ", env!("CARGO_PKG_VERSION"), "\n");
