//! `cargo lucent check`: everything that can be said about the sources without compiling them.
//!
//! Invariant: a check only reads; what it finds is returned, and printed by somebody else.

mod names;
mod purity;
mod shared;
mod unused;
pub(crate) mod wasm;

use crate::{
    diagnostic::{Code, Diagnostic, Severity},
    failure::Failure,
    lock::{self, Change, Entry, Lock},
    survey::{Survey, message::retired},
};

/// Runs every check but the one of WebAssembly.
pub(crate) fn check(survey: &Survey) -> Result<Vec<Diagnostic>, Failure> {
    let mut findings = survey.problems.clone();
    findings.extend(configuration(survey));
    findings.extend(shared::check(survey));
    findings.extend(names::check(survey));
    findings.extend(unused::check(survey));
    findings.extend(purity::check(survey));
    findings.extend(lock_findings(survey)?);
    Ok(findings)
}

/// Whether the check fails.
pub(crate) fn fails(findings: &[Diagnostic], warnings_too: bool) -> bool {
    findings.iter().any(|finding| warnings_too || finding.severity == Severity::Error)
}

/// Reads the lock; there may be none.
pub(crate) fn read_lock(survey: &Survey) -> Result<Result<Lock, Vec<Diagnostic>>, Failure> {
    let path = survey.workspace.root.join(lock::NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(lock::parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Ok(Lock::default())),
        Err(error) => Err(Failure::Failed(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The differences between code and lock.
pub(crate) fn changes<'a>(survey: &Survey, now: &'a [Entry], lock: &'a Lock) -> Vec<Change<'a>> {
    let is_retired = |entry: &Entry| {
        let Some((package, name)) = entry.name.split_once('/') else {
            return false;
        };
        let (set, event) = name.split_once('.').unwrap_or((name, name));
        survey.types.iter().any(|def| {
            def.derives("Event")
                && def.ident == set
                && survey.workspace.packages[def.package].package.name == package
                && retired(def).iter().any(|name| name == event)
        })
    };
    let covers = |package: &str| {
        survey
            .workspace
            .packages
            .iter()
            .any(|located| located.is_checked() && located.package.name == package)
    };
    lock::compare(now, lock, is_retired, covers)
}

fn lock_findings(survey: &Survey) -> Result<Vec<Diagnostic>, Failure> {
    let now = lock::collect(survey);
    match read_lock(survey)? {
        Err(problems) => Ok(problems),
        // What is to be locked is known only when every file could be read.
        Ok(_) if survey.problems.iter().any(|problem| problem.code == Code::NOT_RUST) => {
            Ok(Vec::new())
        }
        Ok(lock) if lock.entries.is_empty() && !now.is_empty() => {
            let message = format!("there is no {} for {} shapes", lock::NAME, now.len());
            Ok(vec![
                Diagnostic::error(Code::LOCK_BEHIND, message)
                    .help(format!("run `cargo lucent lock` and commit {}", lock::NAME)),
            ])
        }
        Ok(lock) => Ok(changes(survey, &now, &lock).iter().map(lock::finding).collect()),
    }
}

fn configuration(survey: &Survey) -> Vec<Diagnostic> {
    let packages = survey.workspace.packages.iter().filter(|located| located.is_checked());
    packages
        .flat_map(|located| {
            let manifest = survey.workspace.shown(&located.manifest);
            located.config.problems.iter().map(move |problem| {
                Diagnostic::error(
                    Code::CONFIGURATION,
                    format!("{manifest}: in `[package.metadata.lucent]`, {problem}"),
                )
                .help("the keys and what they take are in the book, on the page of `cargo lucent`")
            })
        })
        .collect()
}

/// One line on how the check went.
pub(crate) fn summary(survey: &Survey, findings: &[Diagnostic]) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let packages: Vec<&str> = survey
        .workspace
        .packages
        .iter()
        .filter(|located| located.is_checked())
        .map(|located| located.package.name.as_str())
        .collect();
    let plural = |count: usize, word: &str| match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.name()).collect();
    codes.sort_unstable();
    codes.dedup();
    let hint = match codes.first() {
        Some(code) => format!("; `cargo lucent explain {code}` says more"),
        None => String::new(),
    };
    format!(
        "checked {}: {}, {}{hint}\n",
        packages.join(", "),
        plural(errors, "error"),
        plural(warnings, "warning")
    )
}
