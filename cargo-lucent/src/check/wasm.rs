//! The stronger check: does the functional core compile where there is no operating system?
//!
//! Invariant: a target that is not installed is said, never skipped in silence, and so is a library that
//! cannot be judged because something that it depends on does not compile.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{Message, diagnostic::DiagnosticLevel};
use lucent_codegen::TargetKind;

use crate::{
    diagnostic::{Code, Diagnostic, Place, Severity},
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
        let library = located.package.targets.iter().find(|target| target.kind == TargetKind::Lib);
        let Some(library) = library else { continue };
        match compile(&located.manifest, &library.source, target)? {
            Verdict::Compiles => packages.push(name.clone()),
            Verdict::Fails { reason, place } => {
                packages.push(name.clone());
                findings.push(needs_a_system(name, target, reason, place));
            }
            Verdict::Unknown(reason) => findings.push(not_judged(name, target, reason)),
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

/// What came out for one library.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    Compiles,
    /// The first error in its own code.
    Fails {
        reason: String,
        place: Option<Place>,
    },
    /// Why its own code was not reached.
    Unknown(String),
}

fn compile(manifest: &Path, library: &Path, target: &str) -> Result<Verdict, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--quiet", "--lib", "--offline", "--message-format", "json"])
        .args(["--target", target, "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| Failure::Failed(format!("cannot run cargo: {error}")))?;
    if output.status.success() {
        return Ok(Verdict::Compiles);
    }
    Ok(judge(library, &output.stdout, &String::from_utf8_lossy(&output.stderr)))
}

/// Whose fault it is that a library did not compile.
fn judge(library: &Path, messages: &[u8], said: &str) -> Verdict {
    let mut reason = None;
    for message in Message::parse_stream(messages).flatten() {
        let Message::CompilerMessage(message) = message else { continue };
        if !matches!(message.message.level, DiagnosticLevel::Error | DiagnosticLevel::Ice) {
            continue;
        }
        let text = message.message.message;
        if message.target.src_path == library {
            let span = message.message.spans.into_iter().find(|span| span.is_primary);
            let place = span.map(|span| Place::line(&span.file_name, span.line_start));
            return Verdict::Fails { reason: text, place };
        }
        reason =
            reason.or_else(|| Some(format!("`{}` does not compile: {text}", message.target.name)));
    }
    let first = || said.lines().find_map(|line| line.strip_prefix("error: ")).map(str::to_owned);
    Verdict::Unknown(reason.or_else(first).unwrap_or_else(|| "cargo says no more".to_owned()))
}

fn needs_a_system(name: &str, target: &str, reason: String, place: Option<Place>) -> Diagnostic {
    let message = format!("the library of `{name}` does not compile for {target}");
    let finding = Diagnostic::error(Code::WASM, message).note(reason).help(
        "what needs an operating system belongs into the shell: a package, or a binary, that uses this library",
    );
    match place {
        Some(place) => finding.at(place, "the first error"),
        None => finding,
    }
}

fn not_judged(name: &str, target: &str, reason: String) -> Diagnostic {
    let message = format!(
        "the library of `{name}` was not judged, for its package does not compile for {target}"
    );
    Diagnostic::new(Code::WASM, Severity::Warning, message).note(reason).help(
        "give the functional core a package of its own that has no such dependencies; the shell's package uses it",
    )
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

    const LIBRARY: &str = "/w/shop/src/lib.rs";

    /// A message of rustc, as cargo passes it on.
    fn error(source: &str, text: &str) -> String {
        let target = format!(
            "{{\"kind\":[\"lib\"],\"crate_types\":[\"lib\"],\"name\":\"shop\",\"src_path\":\"{source}\",\"edition\":\"2024\",\
             \"doc\":true,\"doctest\":true,\"test\":true}}"
        );
        let span = "{\"file_name\":\"shop/src/clock.rs\",\"byte_start\":0,\"byte_end\":1,\"line_start\":7,\"line_end\":7,\
                    \"column_start\":1,\"column_end\":2,\"is_primary\":true,\"text\":[],\"label\":null,\
                    \"suggested_replacement\":null,\"suggestion_applicability\":null,\"expansion\":null}";
        format!(
            "{{\"reason\":\"compiler-message\",\"package_id\":\"shop\",\"manifest_path\":\"/w/shop/Cargo.toml\",\
             \"target\":{target},\"message\":{{\"message\":\"{text}\",\"code\":null,\"level\":\"error\",\
             \"spans\":[{span}],\"children\":[],\"rendered\":null}}}}\n"
        )
    }

    #[test]
    fn an_error_in_the_library_is_its_own_fault_and_has_a_place() {
        let messages = error("/r/mio/src/lib.rs", "no sockets") + &error(LIBRARY, "no clock");
        let place = Some(Place::line("shop/src/clock.rs", 7));
        assert_eq!(
            judge(Path::new(LIBRARY), messages.as_bytes(), "error: could not compile `shop`"),
            Verdict::Fails { reason: "no clock".to_owned(), place }
        );
    }

    #[test]
    fn an_error_in_a_dependency_says_nothing_of_the_library() {
        let messages = error("/r/mio/src/lib.rs", "no sockets").replace("\"shop\"", "\"mio\"");
        let unknown = |text: &str| Verdict::Unknown(text.to_owned());
        assert_eq!(
            judge(Path::new(LIBRARY), messages.as_bytes(), "error: could not compile `mio`"),
            unknown("`mio` does not compile: no sockets")
        );
        let said = "warning: x\nerror: failed to run custom build command for `sqlite v1`\n";
        assert_eq!(
            judge(Path::new(LIBRARY), b"", said),
            unknown("failed to run custom build command for `sqlite v1`")
        );
        assert_eq!(judge(Path::new(LIBRARY), b"{", ""), unknown("cargo says no more"));
    }
}
