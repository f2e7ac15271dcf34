//! No source file is forgotten.
//!
//! Invariant: a file below `src` or `tests` is the root of a target, or a module that its parent
//! declares; material that tests compile or read themselves is neither.

use std::{ffi::OsStr, fs, path::Path};

use super::files::TextFile;
use crate::{Package, Workspace};

/// Lists the source files that cargo does not compile.
#[must_use]
pub fn problems(workspace: &Workspace, files: &[TextFile]) -> Vec<String> {
    let is_source = |file: &&TextFile| {
        let package = package_of(workspace, &file.path);
        let inside = package.and_then(|package| file.path.strip_prefix(&package.folder).ok());
        file.is("rs") && inside.is_some_and(is_code)
    };
    let forgotten =
        files.iter().filter(is_source).filter(|file| !is_compiled(workspace, &file.path));
    forgotten
        .map(|file| format!("{}: declare this module, or delete it", file.path.display()))
        .collect()
}

/// Whether a path inside of a package is that of a source file, or of a file of tests.
fn is_code(inside: &Path) -> bool {
    inside.starts_with("src")
        || inside.starts_with("tests")
            && !MATERIAL.iter().any(|folder| inside.starts_with(Path::new("tests").join(folder)))
}

/// Whether cargo compiles this file: as the root of a target, or as a module that is declared.
pub(super) fn is_compiled(workspace: &Workspace, file: &Path) -> bool {
    let package = package_of(workspace, file);
    package.is_some_and(|package| {
        package.roots.iter().any(|root| root == file) || is_declared(workspace, package, file)
    })
}

/// The innermost package that holds the file.
fn package_of<'a>(workspace: &'a Workspace, file: &Path) -> Option<&'a Package> {
    let packages = workspace.packages.iter();
    packages
        .filter(|package| file.starts_with(&package.folder))
        .max_by_key(|package| package.folder.components().count())
}

/// Whether a file that may be the module's parent declares it: `mod name;`, with any visibility.
fn is_declared(workspace: &Workspace, package: &Package, file: &Path) -> bool {
    let (Some(stem), Some(folder)) = (name_of(file.file_stem()), file.parent()) else {
        return false;
    };
    let (name, folder) = match (name_of(folder.file_name()), folder.parent()) {
        (Some(name), Some(above)) if stem == "mod" => (name, above),
        _ => (stem, folder),
    };
    let declaration = format!("mod {name};");
    let roots = package.roots.iter().filter(|root| root.parent() == Some(folder));
    let parents = [folder.join("mod.rs"), folder.with_extension("rs")];
    roots.chain(&parents).any(|parent| {
        let text = fs::read_to_string(workspace.root.join(parent)).unwrap_or_default();
        text.lines().any(|line| {
            let before = line.trim().strip_suffix(&declaration);
            before.is_some_and(|before| before.is_empty() || before.ends_with(' '))
        })
    })
}

fn name_of(part: Option<&OsStr>) -> Option<&str> {
    part?.to_str()
}

/// Folders of tests whose files are compiled one by one, or only read.
const MATERIAL: [&str; 2] = ["fixtures", "ui"];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn only_declared_modules_count_as_compiled() {
        let workspace = Workspace::load().unwrap();
        let compiled = |file: &str| is_compiled(&workspace, Path::new(file));
        assert!(compiled("xtask/src/audit/modules.rs"));
        assert!(compiled("xtask/src/audit/mod.rs"));
        assert!(compiled("xtask/tests/main.rs"));
        assert!(!compiled("xtask/src/audit/orphan.rs"));
        assert!(!compiled("elsewhere/src/lib.rs"));
    }

    #[test]
    fn a_forgotten_file_is_found() {
        let workspace = Workspace::load().unwrap();
        let file = |path: &str| TextFile { path: PathBuf::from(path), text: String::new() };
        let found = ["xtask/src/orphan.rs", "xtask/tests/orphan.rs", "xtask/tests/ui/case.rs"];
        assert_eq!(
            problems(&workspace, &found.map(file)),
            ["src", "tests"].map(|folder| format!(
                "xtask/{folder}/orphan.rs: declare this module, or delete it"
            ))
        );
    }
}
