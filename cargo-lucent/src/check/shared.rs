//! Names that two crates of one application use.
//!
//! Invariant: crates that are never composed may use the same names.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Code, Diagnostic, Place},
    lock,
    survey::{Message, Survey, aggregates, commands, queries, views},
};

/// One use of a name.
struct Claim {
    package: usize,
    place: Place,
}

/// Finds names that are claimed twice.
pub(super) fn check(survey: &Survey) -> Vec<Diagnostic> {
    let mut claims: BTreeMap<(&str, String), Vec<Claim>> = BTreeMap::new();
    for function in &survey.functions {
        // Versions of a function share its name.
        let name = match function.kind.as_str() {
            "function" => format!("{} of version {}", lock::name_of(function), function.version()),
            _ => function.name.clone(),
        };
        let claim = Claim { package: function.package, place: function.place.clone() };
        claims.entry(("function", name)).or_default().push(claim);
    }
    let messages: [(&str, Vec<Message<'_>>); 4] = [
        ("aggregate", aggregates(survey)),
        ("command", commands(survey)),
        ("query", queries(survey)),
        ("read model", views(survey)),
    ];
    for (what, messages) in messages {
        for Message { of, name } in messages {
            let claim = Claim { package: of.package, place: of.place.clone() };
            claims.entry((what, name)).or_default().push(claim);
        }
    }
    let mut findings = Vec::new();
    for ((what, name), claims) in &claims {
        for (index, second) in claims.iter().enumerate() {
            let rival = claims[..index].iter().find(|first| {
                // Two functions of one crate are the registry's business.
                let reported = first.package == second.package && *what == "function";
                !reported && meet(survey, first.package, second.package)
            });
            if let Some(first) = rival {
                findings.push(finding(what, name, first, second));
            }
        }
    }
    findings
}

fn finding(what: &str, name: &str, first: &Claim, second: &Claim) -> Diagnostic {
    Diagnostic::error(
        Code::SHARED_NAME,
        format!("two of one application claim the {what} name `{name}`"),
    )
    .at(second.place.clone(), "claimed here")
    .and_at(first.place.clone(), "and here")
    .help("give one of them a name of its own: `name = \"…\"` in its attribute")
}

/// Whether some package of the workspace composes both.
fn meet(survey: &Survey, a: usize, b: usize) -> bool {
    let packages = &survey.workspace.packages;
    let holds = |whole: usize, part: usize| {
        whole == part || packages[whole].dependencies.contains(&packages[part].package.name)
    };
    (0..packages.len()).any(|whole| holds(whole, a) && holds(whole, b))
}
