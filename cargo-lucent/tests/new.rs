//! `cargo lucent new`: the project that it makes works.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::project::{Project, run_in};

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Runs cargo in a project, offline, with the versions that this workspace is locked to.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new"))
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "cargo {arguments:?}:\n{text}");
    text
}

#[test]
fn a_new_project_builds_tests_runs_and_checks_outside_of_this_workspace() {
    let outside = Project::of(&[]);
    let run = outside.ok(&["lucent", "new", "demo"]);
    assert!(run.err.contains("next: cd demo && cargo test"), "{run:?}");
    let demo = outside.root().join("demo");
    std::fs::copy(checkout().join("Cargo.lock"), demo.join("Cargo.lock")).unwrap();
    cargo(&demo, &["fmt", "--check"]);
    let tests = cargo(&demo, &["test"]);
    assert!(tests.contains("3 passed") && !tests.contains("warning"), "{tests}");
    assert!(cargo(&demo, &["run", "--quiet"]).contains("received 5, shipped 3"));
    let check = run_in(&demo, &["check", "--deny-warnings"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert_eq!(check.out, "checked demo: no errors, no warnings\n");
}

#[test]
fn nothing_is_written_over() {
    let project = Project::of(&[("demo/mine.txt", "mine")]);
    let run = project.run(&["new", "demo"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("demo exists and is not empty"), "{run:?}");
    assert_eq!(project.read("demo/mine.txt"), "mine");
}

#[test]
fn names_and_paths_that_make_no_sense_are_refused() {
    let project = Project::of(&[]);
    let run = project.run(&["new", "fn"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("cannot be the name of a package"), "{run:?}");
    let run = project.run(&["new", "demo", "--lucent-path", "."]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("no checkout of Lucent"), "{run:?}");
    assert!(!project.root().join("demo").exists());
}

#[test]
fn a_project_inside_of_another_workspace_is_one_of_its_own() {
    let project = Project::of(&[("Cargo.toml", "[workspace]\nmembers = []\n")]);
    project.ok(&["new", "demo", "--path", "tools/demo"]);
    let run = run_in(&project.root().join("tools/demo"), &["check"]);
    assert_eq!(run.code, 0, "{run:?}");
}
