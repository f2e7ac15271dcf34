//! `cargo xtask book`: builds the book, with an mdBook of the version that it was written for.
//!
//! Invariant: a machine without mdBook needs nothing but cargo; it is installed once, into the
//! target folder.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failure, Workspace, step::Step};

/// Builds the book into `book/book`.
pub(super) fn run(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    let mdbook = find_or_install(workspace)?;
    Step::program("book", &mdbook, &workspace.root, ["build", "book"]).run()
}

fn find_or_install(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let tools = workspace.target.join("tools");
    let installed = tools.join("bin").join("mdbook");
    let candidates = [PathBuf::from("mdbook"), installed.clone()];
    if let Some(found) = candidates.into_iter().find(|mdbook| fits(mdbook)) {
        return Ok(found);
    }
    install(workspace, &tools)?;
    Ok(installed)
}

fn install(workspace: &Workspace, tools: &Path) -> Result<(), Failure> {
    let version = format!("={VERSION}");
    let arguments = ["install", "mdbook", "--version", &version, "--locked"];
    let step = Step::cargo("install mdBook", &workspace.root, arguments)
        .arg("--no-default-features")
        .arg("--root")
        .arg(tools)
        // Kept apart from the workspace's results, so that an interrupted build goes on.
        .arg("--target-dir")
        .arg(tools.join("build"));
    step.run()
}

/// Whether this is an mdBook that the book can be built with: one of the same minor version.
fn fits(mdbook: &Path) -> bool {
    let Ok(output) = Command::new(mdbook).arg("--version").output() else {
        return false;
    };
    let line = String::from_utf8_lossy(&output.stdout);
    output.status.success() && minor_version(line.trim()) == minor_version(VERSION)
}

/// `mdbook v0.5.4` becomes `0.5`.
fn minor_version(line: &str) -> Option<&str> {
    let version = line.rsplit([' ', 'v']).next()?;
    version.rsplit_once('.').map(|(minor, _)| minor)
}

const VERSION: &str = "0.5.4";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_minor() {
        assert_eq!(minor_version("mdbook v0.5.9"), minor_version(VERSION));
        assert_ne!(minor_version("mdbook v0.4.52"), minor_version(VERSION));
        assert_eq!(minor_version(""), None);
    }
}
