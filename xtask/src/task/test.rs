//! `cargo xtask test`: everything that must pass before a change is merged.
//!
//! Invariant: continuous integration runs this and nothing else.

use super::{bench, book, check, services, smoke};
use crate::{Failure, Workspace, step::Step};

/// Runs every step, or only the tests that the filters select.
pub(super) fn run(workspace: &Workspace, filters: &[String]) -> Result<(), Failure> {
    if filters.is_empty() {
        check::format(workspace).run()?;
        check::lints(workspace).run()?;
        check::feature_lints(workspace).run()?;
    }
    services::with_all(workspace, || {
        tests(workspace, filters).run()?;
        feature_tests(workspace, filters).run()
    })?;
    doc_tests(workspace, filters).run()?;
    if filters.is_empty() {
        check::api_docs(workspace).run()?;
        book::run(workspace, &[])?;
        smoke::run(workspace)?;
        shapes(workspace).run()?;
        bench::compile(workspace)?;
        dependencies(workspace)?;
        println!("\nAll steps passed.");
    }
    Ok(())
}

/// Unit, integration and UI tests; `--all-targets` would run benchmarks too.
fn tests(workspace: &Workspace, filters: &[String]) -> Step {
    let targets = ["--lib", "--bins", "--tests", "--examples", "--no-fail-fast"];
    let arguments = ["test", "--workspace"].into_iter().chain(targets);
    Step::cargo("unit, integration and UI tests", &workspace.root, with_filters(arguments, filters))
}

/// What only exists with features that are off. They change what else is tested, so both are run.
fn feature_tests(workspace: &Workspace, filters: &[String]) -> Step {
    let arguments = ["test", "--package", "lucent-postgres", "--features", "tls", "--tests"];
    let filters = if filters.is_empty() { &["tls::".to_owned()][..] } else { filters };
    Step::cargo("tests of features", &workspace.root, with_filters(arguments, filters))
}

fn doc_tests(workspace: &Workspace, filters: &[String]) -> Step {
    let arguments = ["test", "--workspace", "--doc", "--no-fail-fast"];
    Step::cargo("doc tests", &workspace.root, with_filters(arguments, filters))
}

/// The examples as their users would check them: `lucent.lock`, names, purity, unused messages.
fn shapes(workspace: &Workspace) -> Step {
    let arguments = ["run", "--quiet", "--package", "cargo-lucent", "--", "lucent", "check"];
    let examples =
        workspace.packages.iter().filter(|package| package.folder.starts_with("examples"));
    let step = Step::cargo("lucent.lock of the examples", &workspace.root, arguments);
    examples.fold(step, |step, package| step.arg("--package").arg(&package.name))
}

/// Licenses, duplicates and sources of dependencies; not advisories, which need the network.
fn dependencies(workspace: &Workspace) -> Result<(), Failure> {
    if !cargo_deny_is_installed() {
        println!("\n==> dependencies: skipped, cargo-deny is not installed");
        return Ok(());
    }
    let checks = ["bans", "licenses", "sources"];
    let arguments = ["deny", "--offline", "check"].into_iter().chain(checks);
    Step::cargo("dependencies", &workspace.root, arguments).run()
}

fn cargo_deny_is_installed() -> bool {
    let mut command = std::process::Command::new("cargo");
    let output = command.args(["deny", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Appends filters for the test programs behind cargo's own arguments.
pub(super) fn with_filters<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    filters: &'a [String],
) -> Vec<&'a str> {
    let mut arguments: Vec<&str> = arguments.into_iter().collect();
    if !filters.is_empty() {
        arguments.push("--");
        arguments.extend(filters.iter().map(String::as_str));
    }
    arguments
}
