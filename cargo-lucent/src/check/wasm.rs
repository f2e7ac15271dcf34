//! The stronger check: does the functional core compile where there is no operating system?
//!
//! Invariant: a target that is not installed is said, never skipped in silence.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use lucent_codegen::TargetKind;

use crate::{
    diagnostic::{Code, Diagnostic},
    failure::Failure,
    survey::Survey,
};

/// What came out.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// No target for WebAssembly is installed.
    NoTarget,
    /// The packages that were compiled, and what was found.
    Checked { target: &'static str, packages: Vec<String>, findings: Vec<Diagnostic> },
}

/// Compiles each library with functional core for WebAssembly.
pub(crate) fn check(survey: &Survey) -> Result<Outcome, Failure> {
    let Some(target) = installed_target()? else {
        return Ok(Outcome::NoTarget);
    };
    let mut packages = Vec::new();
    let mut findings = Vec::new();
    for (index, located) in survey.workspace.packages.iter().enumerate() {
        let is_library = survey.functions.iter().any(|function| {
            function.package == index
                && function.target.kind == TargetKind::Lib
                && matches!(function.kind.as_str(), "command_handler" | "projector" | "function")
        });
        if !is_library || !located.is_checked() {
            continue;
        }
        let name = &located.package.name;
        packages.push(name.clone());
        if let Some(reason) = compile(&located.manifest, target)? {
            findings.push(
                Diagnostic::error(Code::WASM, format!("the library of `{name}` does not compile for {target}"))
                    .note(reason)
                    .help("what needs an operating system belongs into the shell: a package, or a binary, that uses this \
                           library"),
            );
        }
    }
    Ok(Outcome::Checked { target, packages, findings })
}

/// The first of the targets that this toolchain has a standard library for.
fn installed_target() -> Result<Option<&'static str>, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc).args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| {
        Failure::Failed(format!("cannot run {}: {error}", Path::new(&rustc).display()))
    })?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(TARGETS.into_iter().find(|target| has_library(&sysroot, target)))
}

fn has_library(sysroot: &Path, target: &str) -> bool {
    sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
}

/// Why it does not compile: the first error.
fn compile(manifest: &Path, target: &str) -> Result<Option<String>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--quiet", "--lib", "--offline", "--target", target, "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| Failure::Failed(format!("cannot run cargo: {error}")))?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = text.lines().find(|line| line.starts_with("error"));
    Ok(Some(first.unwrap_or("cargo says no more").to_owned()))
}

const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_counts_only_with_its_standard_library() {
        let sysroot = tempfile::tempdir().unwrap();
        assert!(!has_library(sysroot.path(), TARGETS[0]));
        std::fs::create_dir_all(sysroot.path().join("lib/rustlib/wasm32-wasip1/lib")).unwrap();
        assert!(!has_library(sysroot.path(), TARGETS[0]));
        assert!(has_library(sysroot.path(), TARGETS[1]));
    }
}
