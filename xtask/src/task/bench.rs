//! `cargo xtask bench`: the benchmarks, which are a workspace of their own.

use super::services;
use crate::{Failure, Workspace, step::Step};

/// Runs the benchmarks whose names contain the filter, or all of them.
pub(super) fn run(workspace: &Workspace, filters: &[String]) -> Result<(), Failure> {
    if filters.len() > 1 {
        return Err(Failure::Usage("`bench` takes at most one filter".to_owned()));
    }
    if !workspace.root.join(MANIFEST).is_file() {
        return Err(Failure::Setup(format!(
            "there are no benchmarks in this copy: `{MANIFEST}` is missing"
        )));
    }
    let arguments = ["run", "--release", "--manifest-path", MANIFEST, "--"];
    let arguments = arguments.into_iter().chain(filters.iter().map(String::as_str));
    let benchmarks = Step::cargo("benchmarks", &workspace.root, arguments);
    services::with_all(workspace, || benchmarks.run())
}

const MANIFEST: &str = "bench/Cargo.toml";
