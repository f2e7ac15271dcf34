//! `cargo xtask bench`: the benchmarks, which are workspaces of their own.

use super::{peers, services};
use crate::{Failure, Workspace, step::Step};

/// Runs the benchmarks whose names contain the filter, or all of them; the peers' come last, and
/// alone with options of their own.
pub(super) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    if let Some((first, options)) = arguments.split_first()
        && first == "peers"
    {
        return peers::run(workspace, options);
    }
    if arguments.len() > 1 {
        let message = "`bench` takes at most one filter, or `peers` and its options";
        return Err(Failure::Usage(message.to_owned()));
    }
    if !workspace.root.join(MANIFEST).is_file() {
        return Err(Failure::Setup(format!(
            "there are no benchmarks in this copy: `{MANIFEST}` is missing"
        )));
    }
    let words = ["run", "--release", "--manifest-path", MANIFEST, "--"];
    let words = words.into_iter().chain(arguments.iter().map(String::as_str));
    let benchmarks = Step::cargo("benchmarks", &workspace.root, words);
    // Only these need a server.
    match arguments.first() {
        Some(filter) if !filter.starts_with(SERVER) && !SERVER.contains(filter.as_str()) => {
            benchmarks.run()
        }
        Some(_) => services::with_all(workspace, || benchmarks.run()),
        None => {
            services::with_all(workspace, || benchmarks.run())?;
            peers::run(workspace, &[])
        }
    }
}

/// Compiles the benchmarks, which are no members of the workspace, and of those beside other stores what
/// is about Lucent: the others' crates take many minutes.
pub(super) fn compile(workspace: &Workspace) -> Result<(), Failure> {
    let alone = ["check", "--manifest-path", MANIFEST];
    let beside = ["check", "--manifest-path", peers::MANIFEST, "--no-default-features"];
    for step in [
        Step::cargo("benchmarks compile", &workspace.root, alone),
        Step::cargo("benchmarks beside other stores compile", &workspace.root, beside),
    ] {
        // One folder, so that what several workspaces need is compiled once.
        step.arg("--target-dir").arg(&workspace.target).run()?;
    }
    Ok(())
}

const MANIFEST: &str = "bench/Cargo.toml";

/// What the names of those begin with that need a server.
const SERVER: &str = "postgres";
