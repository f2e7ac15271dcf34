//! A project in a folder of its own, and the program run in it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A manifest that opts in without depending on anything.
pub(crate) const MANIFEST: &str = "\
[package]
name = \"shop\"
version = \"0.1.0\"
edition = \"2024\"
[package.metadata.lucent]
registry = true
";

/// A domain of one event, one command and its handler.
pub(crate) const DOMAIN: &str = "\
use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
pub enum LampEvent {
    LampSwitched { on: bool },
}

#[derive(Default, Aggregate)]
pub struct Lamp;

#[derive(Deserialize, Command)]
pub struct Switch {
    #[id]
    lamp: LampId,
    on: bool,
}

#[command_handler]
fn switch(_: &Lamp, command: &Switch) -> LampEvent {
    LampEvent::LampSwitched { on: command.on }
}
";

/// A folder that goes away with the test.
pub(crate) struct Project(TempDir);

/// What a run printed, and how it exited.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A package with one file.
    pub(crate) fn library(text: &str) -> Self {
        Self::of(&[("Cargo.toml", MANIFEST), ("src/lib.rs", text)])
    }

    pub(crate) fn root(&self) -> PathBuf {
        std::fs::canonicalize(self.0.path()).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Runs `cargo-lucent` here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run_in(&self.root(), arguments)
    }

    /// Runs it, and expects success.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        run
    }

    /// Checks, and expects these parts in what is said and this exit code.
    #[track_caller]
    pub(crate) fn check_says(&self, code: i32, parts: &[&str]) {
        let run = self.run(&["check"]);
        for part in parts {
            assert!(run.err.contains(part), "`{part}` is not in:\n{}", run.err);
        }
        assert_eq!(run.code, code, "{}{}", run.err, run.out);
    }
}

/// Runs `cargo-lucent` in a folder.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    run_with(folder, arguments, &[])
}

/// Runs `cargo-lucent` in a folder with more environment variables.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], more: &[(&str, &Path)]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-lucent"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO", env!("CARGO"))
        .envs(more.iter().copied())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
