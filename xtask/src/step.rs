//! One command of a longer piece of work.
//!
//! Invariant: a step prints its name, the command as one could type it, and its duration; it
//! never reads standard input, and it sees the environment of a plain `cargo` call.

use std::{
    ffi::OsStr,
    io::Read as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::Failure;

/// A named command.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    command: Command,
}

impl Step {
    /// A cargo command, run at the root of the workspace.
    pub(crate) fn cargo<A: AsRef<OsStr>>(
        name: &str,
        root: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::program(name, Path::new("cargo"), root, arguments)
    }

    /// A command of any program, run in `folder`.
    pub(crate) fn program<A: AsRef<OsStr>>(
        name: &str,
        program: &Path,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_about_this_program) {
                command.env_remove(name);
            }
        }
        Self { name: name.to_owned(), command }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets an environment variable for the command.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the command to its end; its output goes where ours goes.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let started = self.announce();
        let status = self.command.status();
        let status =
            status.map_err(|error| self.failure(&format!("cannot be started: {error}")))?;
        self.conclude(status, started)
    }

    /// Runs a program that must end within `limit`, with success, after it has printed something.
    pub(crate) fn run_program(mut self, limit: Duration) -> Result<(), Failure> {
        let started = self.announce();
        let child = self.command.stdout(Stdio::piped()).spawn();
        let mut child =
            child.map_err(|error| self.failure(&format!("cannot be started: {error}")))?;
        let Some(output) = output_within(&mut child, limit) else {
            // A child that has just ended by itself cannot be killed, and need not be.
            drop(child.kill());
            drop(child.wait());
            return Err(self.failure(&format!("still running after {limit:?}")));
        };
        let status = child.wait();
        let status =
            status.map_err(|error| self.failure(&format!("cannot be awaited: {error}")))?;
        print!("{output}");
        if status.success() && output.trim().is_empty() {
            return Err(self.failure("it printed nothing"));
        }
        self.conclude(status, started)
    }

    fn announce(&self) -> Instant {
        println!("\n==> {}\n    $ {}", self.name, self.command_line());
        Instant::now()
    }

    fn conclude(self, status: ExitStatus, started: Instant) -> Result<(), Failure> {
        let elapsed = started.elapsed();
        if !status.success() {
            return Err(self.failure(&format!("{status} after {:.1} s", elapsed.as_secs_f64())));
        }
        println!("<== {}: ok in {:.1} s", self.name, elapsed.as_secs_f64());
        Ok(())
    }

    fn failure(&self, outcome: &str) -> Failure {
        Failure::Step {
            name: self.name.clone(),
            outcome: outcome.to_owned(),
            command: self.command_line(),
        }
    }

    /// The command as one would type it at the root of the workspace.
    fn command_line(&self) -> String {
        let variables = self.command.get_envs().filter_map(|(name, value)| {
            let value = quote(value?);
            Some(format!("{}={value}", name.to_string_lossy()))
        });
        let words =
            std::iter::once(self.command.get_program()).chain(self.command.get_args()).map(quote);
        variables.chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// Everything that the child prints, or nothing if it has not ended within `limit`.
fn output_within(child: &mut Child, limit: Duration) -> Option<String> {
    let mut stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // An unreadable rest is as good as an end: what was read decides.
        drop(stdout.read_to_end(&mut bytes));
        // The receiver is gone if it has waited for long enough.
        drop(sender.send(String::from_utf8_lossy(&bytes).into_owned()));
    });
    receiver.recv_timeout(limit).ok()
}

/// Whether `cargo run` has set this variable for `xtask`; builds started by it must not see them.
fn is_about_this_program(variable: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    let names = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    prefixes.iter().any(|prefix| variable.starts_with(prefix)) || names.contains(&variable)
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:+,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Step {
        Step::program("demo", Path::new("sh"), Path::new("."), ["-c", script])
    }

    #[test]
    fn a_failure_names_the_command_to_repeat() {
        let failure = shell("exit 3").env("FLAGS", "-D warnings").run().unwrap_err();
        let text = failure.to_string();
        assert!(text.starts_with("step `demo` failed (exit status: 3"), "{text}");
        assert!(text.ends_with("\n    FLAGS='-D warnings' sh -c 'exit 3'"), "{text}");
    }

    #[test]
    fn a_silent_program_fails() {
        let limit = Duration::from_secs(60);
        assert!(shell("echo hello").run_program(limit).is_ok());
        let failure = shell("true").run_program(limit).unwrap_err();
        assert!(failure.to_string().contains("printed nothing"));
    }

    #[test]
    fn an_endless_program_is_stopped() {
        let failure =
            shell("exec tail -f /dev/null").run_program(Duration::from_millis(50)).unwrap_err();
        assert!(failure.to_string().contains("still running after 50ms"));
    }

    #[test]
    fn builds_do_not_see_this_program() {
        assert!(is_about_this_program("CARGO_PKG_NAME"));
        assert!(is_about_this_program("OUT_DIR"));
        assert!(!is_about_this_program("CARGO_HOME"));
        assert!(!is_about_this_program("CARGO_TARGET_DIR"));
    }
}
