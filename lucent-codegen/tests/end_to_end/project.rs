//! A package in a folder, built by cargo.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::folder::Folder;

/// A domain with one command, in the crate's root.
pub(crate) const DOMAIN: &str = r#"
use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct LampId(Uuid);

#[derive(Debug, Serialize, Deserialize, Event)]
pub enum LampEvent { LampSwitched { on: bool } }

#[derive(Debug, Default, Aggregate)]
#[aggregate(id = LampId, event = LampEvent)]
pub struct Lamp { pub on: bool }

impl Evolve for Lamp {
    fn evolve(&mut self, event: &LampEvent) {
        let LampEvent::LampSwitched { on } = event;
        self.on = *on;
    }
}

#[derive(Debug, Command)]
#[command(aggregate = Lamp)]
pub struct Switch { #[id] pub lamp: LampId, pub on: bool }
"#;

/// The handler of [`DOMAIN`]'s command.
pub(crate) const HANDLER: &str = r#"
#[command_handler]
fn switch(lamp: &Lamp, command: &Switch) -> Option<LampEvent> {
    (lamp.on != command.on).then_some(LampEvent::LampSwitched { on: command.on })
}
"#;

/// A `main` that switches a lamp on twice.
pub(crate) const MAIN: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new(registry()).store(MemoryStore::new()).start().await?;
    let lamp = LampId::new();
    let first = app.execute(Switch { lamp, on: true }).await?;
    let second = app.execute(Switch { lamp, on: true }).await?;
    println!("switched {} and {}", first.events, second.events);
    Ok(())
}
"#;

pub(crate) const BUILD: &str = "fn main() { lucent_codegen::build(); }";

/// A package or a workspace on its own.
pub(crate) struct Project(Folder);

impl Project {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let project = Self(Folder::of(files));
        // The versions that the project itself is locked to, so that nothing is looked up.
        let lock = checkout().join("Cargo.lock");
        std::fs::copy(lock, project.root().join("Cargo.lock")).unwrap();
        project
    }

    /// A package with one binary. Names differ from test to test: cargo tells packages of one
    /// target folder apart by their names only.
    pub(crate) fn binary(name: &str, main: &str) -> Self {
        Self::of(&[
            ("Cargo.toml", &manifest(name, "", "")),
            ("build.rs", BUILD),
            ("src/main.rs", main),
        ])
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.0.write(path, text);
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.root()
    }

    /// What a successful `cargo run` prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.cargo("run", arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "it does not run:\n{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a file as it would be if it came from elsewhere and kept its time, so that cargo does not
    /// notice.
    pub(crate) fn write_unnoticed(&self, path: &str, text: &str) {
        let file = self.root().join(path);
        let before = file.metadata().unwrap().modified().unwrap();
        self.write(path, text);
        std::fs::File::options().append(true).open(file).unwrap().set_modified(before).unwrap();
    }

    /// What a failing `cargo check` says.
    pub(crate) fn mistake(&self) -> String {
        self.mistake_of("check", &[])
    }

    /// What rustc says when it is run again, although cargo sees no reason to.
    pub(crate) fn mistake_when_compiled_again(&self) -> String {
        self.mistake_of("rustc", &["--", "--cfg", "again"])
    }

    fn mistake_of(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.cargo(command, arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "it builds:\n{errors}");
        assert!(
            !errors.contains("failed to run custom build command"),
            "build.rs failed:\n{errors}"
        );
        errors
    }

    fn cargo(&self, command: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO"))
            .args([command, "--quiet", "--offline"])
            .args(arguments)
            .current_dir(self.root())
            // One target folder for all of them: the dependencies are built once.
            .env("CARGO_TARGET_DIR", target())
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap()
    }
}

/// Whether what the compiler says names all of this.
#[track_caller]
pub(crate) fn says(errors: &str, expected: &[&str]) {
    for part in expected {
        assert!(errors.contains(part), "`{part}` is not in:\n{errors}");
    }
}

/// The manifest of a workspace's member.
pub(crate) fn member(name: &str, more: &str, dependencies: &str) -> String {
    let alone = manifest(name, more, dependencies);
    alone.replace("[workspace]\n", "").replace("[profile.dev]\ndebug = false\n", "")
}

/// A manifest with the usual dependencies.
pub(crate) fn manifest(name: &str, more: &str, dependencies: &str) -> String {
    let root = checkout();
    let root = root.display();
    format!(
        r#"
[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
{more}
[workspace]

[dependencies]
lucent-core = {{ path = "{root}/lucent-core" }}
serde = {{ version = "1", features = ["derive"] }}
tokio = {{ version = "1", features = ["macros", "rt"] }}
{dependencies}
[build-dependencies]
lucent-codegen = {{ path = "{root}/lucent-codegen" }}

[profile.dev]
debug = false
"#
    )
}

pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end")
}
