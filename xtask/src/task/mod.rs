//! The commands of `cargo xtask`, in the order in which `help` lists them.
//!
//! Invariant: `help` is printed from the same table that is dispatched on.

mod bench;
mod blessing;
mod book;
mod check;
mod peers;
mod services;
mod smoke;
mod test;

use crate::{Failure, Workspace};

/// A command of `cargo xtask`.
struct Task {
    name: &'static str,
    /// The arguments, as `help` shows them.
    arguments: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Result<(), Failure>,
}

/// Runs the command that the arguments name; without arguments, prints the help.
///
/// # Errors
/// If the command line makes no sense, if something is missing, or if a step fails.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return Ok(());
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", help());
        return Ok(());
    }
    let task = TASKS.iter().find(|task| task.name == name);
    let task = task.ok_or_else(|| Failure::Usage(format!("there is no command `{name}`")))?;
    if task.arguments.is_empty()
        && let Some(surplus) = rest.first()
    {
        let message = format!("`{name}` takes no arguments, and `{surplus}` was given");
        return Err(Failure::Usage(message));
    }
    (task.run)(&Workspace::load()?, rest)
}

fn help() -> String {
    let mut help = String::from("The project's own commands.\n\nUsage: cargo xtask <command>\n\n");
    for task in TASKS {
        let usage = format!("{} {}", task.name, task.arguments);
        help.push_str(&format!("  {usage:<26}{}\n", task.about));
    }
    help.push_str("  help                      this text\n");
    help.push_str("\nExit codes: 0 success, 1 a step failed, 2 the command line makes no sense.\n");
    help
}

const TASKS: &[Task] = &[
    Task {
        name: "test",
        arguments: "[filter…]",
        about: "everything that CI runs; with filters, only the tests whose names contain one",
        run: test::run,
    },
    Task {
        name: "check",
        arguments: "",
        about: "format, lints and API docs; whether the benchmarks compile",
        run: check::run,
    },
    Task { name: "book", arguments: "", about: "builds the book into book/book", run: book::run },
    Task {
        name: "ui",
        arguments: "[filter…]",
        about: "blesses the compiler messages of the UI tests",
        run: blessing::ui,
    },
    Task {
        name: "golden",
        arguments: "[filter…]",
        about: "blesses the golden files",
        run: blessing::golden,
    },
    Task {
        name: "bench",
        arguments: "[filter|peers …]",
        about: "runs the benchmarks, in release mode; `peers` compares event stores",
        run: bench::run,
    },
    Task {
        name: "services",
        arguments: "up|down|status",
        about: "the servers that tests need",
        run: services::run,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let failure = run(&arguments).unwrap_err();
        assert!(matches!(failure, Failure::Usage(_)), "{failure}");
        failure.to_string()
    }

    #[test]
    fn a_mistaken_command_line_is_refused() {
        assert!(refusal(&["tset"]).contains("no command `tset`"));
        assert!(refusal(&["check", "core"]).contains("takes no arguments"));
        assert!(refusal(&["services", "restart"]).contains("`restart`"));
        assert!(refusal(&["services"]).contains("up|down|status"));
        assert!(refusal(&["bench", "a", "b"]).contains("one filter"));
    }

    #[test]
    fn help_lists_every_command() {
        let help = help();
        assert!(TASKS.iter().all(|task| help.contains(task.about)));
    }
}
