//! `cargo xtask ui` and `cargo xtask golden`: accepting what tests print as what they expect.
//!
//! Invariant: expectations are rewritten by these commands and by nothing else.

use super::test::with_filters;
use crate::{Failure, Workspace, step::Step};

/// Rewrites the expected compiler messages of the packages that have UI tests.
pub(super) fn ui(workspace: &Workspace, filters: &[String]) -> Result<(), Failure> {
    let packages = workspace.packages.iter();
    let mut arguments = vec!["test", "--tests", "--no-fail-fast"];
    for package in packages.filter(|package| package.depends_on("trybuild")) {
        arguments.extend(["--package", &package.name]);
    }
    if !arguments.contains(&"--package") {
        return Err(Failure::Setup(
            "no package has UI tests: add a dev-dependency on trybuild to one".to_owned(),
        ));
    }
    let step = Step::cargo("UI tests", &workspace.root, with_filters(arguments, filters));
    step.env("TRYBUILD", "overwrite").run()?;
    println!("\nRead the difference before you commit it: git diff -- '*.stderr'");
    Ok(())
}

/// Rewrites the golden files.
pub(super) fn golden(workspace: &Workspace, filters: &[String]) -> Result<(), Failure> {
    let arguments = ["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
    let step = Step::cargo("golden files", &workspace.root, with_filters(arguments, filters));
    step.env("UPDATE_GOLDEN", "1").run()?;
    println!("\nRead the difference before you commit it: git diff");
    Ok(())
}
