//! Events that no code writes, and commands that no code sends.
//!
//! Invariant: in doubt, nothing is said: a macro call uses all it names, and a command that can be
//! deserialized may come from outside.

use crate::{
    diagnostic::{Code, Diagnostic},
    survey::{Survey, commands, events},
};

/// Finds what nobody uses.
pub(super) fn check(survey: &Survey) -> Vec<Diagnostic> {
    let severity = |package: usize| {
        let located = &survey.workspace.packages[package];
        located.config.severity("unused").filter(|_| located.is_checked())
    };
    let mut findings = Vec::new();
    for event in events(survey) {
        let Some(severity) = severity(event.set.package) else {
            continue;
        };
        let made = match event.ident == event.set.ident {
            true => survey.made.makes_struct(&event.ident),
            false => survey.made.makes(&event.set.ident, &event.ident),
        };
        if !made {
            let message = format!("no code writes the event `{}`", event.name);
            findings.push(
                Diagnostic::new(Code::UNUSED_EVENT, severity, message)
                    .at(event.place.clone(), "never made outside of tests")
                    .help("write it in a command handler")
                    .help(format!(
                        "or remove it; if it may be stored, add `retired(\"{}\")` to the `#[event(…)]` of the enum",
                        event.name
                    )),
            );
        }
    }
    for command in commands(survey) {
        let Some(severity) = severity(command.of.package) else {
            continue;
        };
        let comes_from_outside = command.of.derives("Deserialize");
        if !comes_from_outside && !survey.made.makes_struct(&command.of.ident) {
            let message = format!("no code sends the command `{}`", command.name);
            findings.push(
                Diagnostic::new(Code::UNSENT_COMMAND, severity, message)
                    .at(command.of.place.clone(), "never made outside of tests")
                    .help("send it: `app.execute(…)`; or remove it with its handler")
                    .help(
                        "if it comes from outside of this workspace, derive `Deserialize` for it",
                    ),
            );
        }
    }
    findings
}
