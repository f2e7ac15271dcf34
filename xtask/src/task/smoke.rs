//! Runs the example programs as a reader of the book would.
//!
//! Invariant: a program listed here ends by itself, with success, after printing something.

use std::time::Duration;

use crate::{Failure, Workspace, step::Step};

/// A program that must run.
struct Program {
    package: &'static str,
    arguments: &'static [&'static str],
}

/// Runs every program whose package is a member and has a binary.
pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    for program in PROGRAMS {
        let name = format!("program {}", program.package);
        let package = workspace.package(program.package);
        if package.is_none_or(|package| package.programs.is_empty()) {
            println!("\n==> {name}: skipped, the package has no program yet");
            continue;
        }
        let arguments = ["run", "--quiet", "--package", program.package, "--"];
        let arguments = arguments.iter().chain(program.arguments);
        Step::cargo(&name, &workspace.root, arguments).run_program(LIMIT)?;
    }
    Ok(())
}

const PROGRAMS: &[Program] = &[
    Program { package: "bank", arguments: &[] },
    Program { package: "trading", arguments: &["--json"] },
    Program { package: "trading", arguments: &["demonstrate"] },
];

/// Includes the build of the program.
const LIMIT: Duration = Duration::from_secs(600);
