//! `cargo lucent lock`: the code's shapes become what is agreed upon.
//!
//! Invariant: what could make stored events unreadable is written only if the user names it.

use std::process::ExitCode;

use serde_json::json;

use crate::{
    check::{changes, read_lock},
    cli::Common,
    diagnostic::{self, Code, Diagnostic},
    failure::Failure,
    lock::{self, ChangeKind, Entry},
    survey::Survey,
};

/// What became of the lock.
pub(crate) enum Outcome {
    /// It says what the code says; this says it in words.
    Done(String),
    /// It is as it was, because of these.
    Refused(Vec<Diagnostic>),
}

/// Writes the lock, and says so; or says why not.
pub(crate) fn run(
    survey: &Survey,
    accept: &[String],
    common: &Common,
) -> Result<ExitCode, Failure> {
    match update(survey, accept)? {
        Outcome::Done(sentence) if common.json => {
            println!("{:#}", json!({ "ok": true, "message": sentence }));
        }
        Outcome::Done(sentence) => eprintln!("{sentence}"),
        Outcome::Refused(findings) => {
            if common.json {
                println!(
                    "{:#}",
                    json!({ "ok": false, "findings": diagnostic::to_json(&findings) })
                );
            } else {
                diagnostic::print(&survey.workspace.root, &findings, common.color.wanted());
            }
            eprintln!("{} is as it was", lock::NAME);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the lock if nothing speaks against it.
pub(crate) fn update(survey: &Survey, accept: &[String]) -> Result<Outcome, Failure> {
    let broken: Vec<_> = survey
        .problems
        .iter()
        .filter(|problem| matches!(problem.code, Code::NOT_RUST | Code::MISSING_FILE))
        .cloned()
        .collect();
    if !broken.is_empty() {
        return Ok(Outcome::Refused(broken));
    }
    let known = match read_lock(survey)? {
        Ok(known) => known,
        Err(problems) => return Ok(Outcome::Refused(problems)),
    };
    let now = lock::collect(survey);
    let changes = changes(survey, &now, &known);
    if let Some(name) = accept.iter().find(|name| {
        !changes
            .iter()
            .any(|change| change.now.or(change.was).is_some_and(|entry| entry.is_meant_by(name)))
    }) {
        return Err(Failure::Usage(format!("nothing of the name `{name}` has changed")));
    }
    let refused: Vec<_> = changes
        .iter()
        .filter(|change| !change.kind.is_harmless())
        .filter(|change| {
            let entry = change.now.or(change.was);
            !entry.is_some_and(|entry| accept.iter().any(|name| entry.is_meant_by(name)))
        })
        .map(lock::finding)
        .collect();
    if !refused.is_empty() {
        return Ok(Outcome::Refused(refused));
    }
    let covered = |entry: &&Entry| {
        survey
            .workspace
            .packages
            .iter()
            .any(|located| located.is_checked() && located.package.name == entry.package())
    };
    let others = known.entries.iter().filter(|entry| !covered(entry));
    let all: Vec<Entry> = others.chain(&now).cloned().collect();
    let path = survey.workspace.root.join(lock::NAME);
    let text = lock::print(&all);
    if std::fs::read_to_string(&path).is_ok_and(|current| current == text) {
        let sentence = format!("{} is up to date: {} shapes", lock::NAME, all.len());
        return Ok(Outcome::Done(sentence));
    }
    std::fs::write(&path, text).map_err(|error| Failure::writing(&path, &error))?;
    let count =
        |kinds: &[ChangeKind]| changes.iter().filter(|change| kinds.contains(&change.kind)).count();
    Ok(Outcome::Done(format!(
        "wrote {}: {} shapes, {} new, {} changed, {} gone",
        lock::NAME,
        all.len(),
        count(&[ChangeKind::New]),
        count(&[
            ChangeKind::Raised,
            ChangeKind::Extended,
            ChangeKind::Changed,
            ChangeKind::Lowered
        ]),
        count(&[ChangeKind::Obsolete, ChangeKind::Gone]),
    )))
}
