//! `cargo xtask check`: what can be said about the code without running it.

use super::bench;
use crate::{Failure, Workspace, step::Step};

/// Runs format, lints and API docs, and compiles the benchmarks.
pub(super) fn run(workspace: &Workspace, _: &[String]) -> Result<(), Failure> {
    format(workspace).run()?;
    lints(workspace).run()?;
    feature_lints(workspace).run()?;
    api_docs(workspace).run()?;
    bench::compile(workspace)
}

pub(super) fn format(workspace: &Workspace) -> Step {
    let arguments = ["fmt", "--all", "--check"];
    Step::cargo("format", &workspace.root, arguments)
}

pub(super) fn lints(workspace: &Workspace) -> Step {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    Step::cargo("lints", &workspace.root, arguments)
}

/// Lints of what only exists with features that are off.
pub(super) fn feature_lints(workspace: &Workspace) -> Step {
    let package = ["clippy", "--package", "lucent-postgres", "--all-targets", "--features", "tls"];
    let arguments = package.into_iter().chain(["--", "-D", "warnings"]);
    Step::cargo("lints of features", &workspace.root, arguments)
}

pub(super) fn api_docs(workspace: &Workspace) -> Step {
    let arguments = ["doc", "--workspace", "--no-deps"];
    Step::cargo("API docs", &workspace.root, arguments).env("RUSTDOCFLAGS", "-D warnings")
}
