//! `cargo xtask bench peers`: Lucent beside other event stores, on a server that is started for it.
//!
//! Invariant: a peer that cannot be installed is left to the program, which lists it with the reason.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::services;
use crate::{Failure, Workspace, step::Step};

/// Runs the comparison with the program's own options.
pub(super) fn run(workspace: &Workspace, options: &[String]) -> Result<(), Failure> {
    let mut words = vec!["run", "--release", "--manifest-path", MANIFEST];
    if !protoc_is_there() {
        println!("without the program `protoc` UmaDB's client does not build, so it is left out");
        words.extend(["--no-default-features", "--features", "frameworks"]);
    }
    words.push("--");
    words.extend(options.iter().map(String::as_str));
    let server = umadb(workspace);
    services::with_all(workspace, || {
        Step::cargo("peers", &workspace.root, words).env("LUCENT_UMADB", server).run()
    })
}

/// The server of UmaDB, which is installed into the target folder if it is missing.
fn umadb(workspace: &Workspace) -> PathBuf {
    let tools = workspace.target.join("tools");
    let installed = tools.join("bin").join("umadb");
    if is_current(&installed) || !protoc_is_there() {
        return installed;
    }
    let version = format!("={VERSION}");
    let arguments = ["install", "umadb", "--version", &version, "--locked", "--root"];
    let step = Step::cargo("install UmaDB", &workspace.root, arguments)
        .arg(&tools)
        // Kept apart from the workspace's results, so that an interrupted build goes on.
        .arg("--target-dir")
        .arg(tools.join("build"));
    if let Err(failure) = step.run() {
        println!("UmaDB is left out: {failure}");
    }
    installed
}

fn is_current(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(VERSION))
}

/// Whether the compiler of protocol buffers is there; it is installed from Debian's packages if that
/// is possible.
fn protoc_is_there() -> bool {
    let there = || {
        let output = Command::new("protoc").arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    if there() {
        return true;
    }
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["install", "-y", "--no-install-recommends", "protobuf-compiler"]);
    install.output().is_ok_and(|output| output.status.success()) && there()
}

pub(super) const MANIFEST: &str = "bench/peers/Cargo.toml";

/// The server, in the version of the client in `bench/peers`.
const VERSION: &str = "0.7.8";
