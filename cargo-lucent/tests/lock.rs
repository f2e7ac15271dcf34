//! `lucent.lock`: who may change it, and what happens otherwise.

use crate::project::{DOMAIN, MANIFEST, Project};

fn locked() -> Project {
    let project = Project::library(DOMAIN);
    project.ok(&["lock"]);
    project
}

fn edit(project: &Project, from: &str, to: &str) {
    let text = project.read("src/lib.rs");
    assert!(text.contains(from));
    project.write("src/lib.rs", &text.replace(from, to));
}

#[test]
fn a_project_without_a_lock_is_told_to_write_one() {
    let project = Project::library(DOMAIN);
    project.check_says(1, &["LU0202", "there is no lucent.lock", "cargo lucent lock"]);
    project.ok(&["lock"]);
    project.check_says(0, &[]);
}

#[test]
fn a_changed_event_fails_until_its_version_is_raised() {
    let project = locked();
    edit(&project, "{ on: bool }", "{ on: bool, by: String }");
    project.check_says(1, &["LU0201", "{on: bool}", "{on: bool, by: String}", "src/lib.rs:5"]);
    let refused = project.run(&["lock"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("LU0201") && refused.err.contains("as it was"), "{refused:?}");
    edit(
        &project,
        "    LampSwitched {",
        "    #[event(version = 2, upcast(from = LampSwitchedV1))]\n    LampSwitched {",
    );
    project.check_says(1, &["LU0202", "has a new version"]);
    project.ok(&["lock"]);
    project.check_says(0, &[]);
    assert!(project.read("lucent.lock").contains("LampSwitched 2 {on: bool, by: String}"));
}

#[test]
fn a_check_that_may_not_update_the_lock_says_so_once() {
    let project = locked();
    edit(&project, "{ on: bool }", "{ on: bool, by: String }");
    let text = project.run(&["check", "--update"]);
    assert_eq!((text.code, text.err.matches("error[LU0201]").count()), (1, 1), "{text:?}");
    assert!(text.err.contains("lucent.lock is as it was"), "{text:?}");
    let json = project.run(&["check", "--update", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &report["findings"][0]["code"]), (1, &"LU0201".into()), "{json:?}");
}

#[test]
fn a_changed_shape_can_be_accepted_by_name() {
    let project = locked();
    edit(&project, "{ on: bool }", "{ off: bool }");
    let unknown = project.run(&["lock", "--accept", "LampBroken"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("`LampBroken` has changed"), "{unknown:?}");
    project.ok(&["lock", "--accept", "LampSwitched"]);
    project.check_says(0, &[]);
}

#[test]
fn a_change_deep_inside_of_a_type_is_seen_and_a_rename_in_the_code_is_none() {
    let project = locked();
    edit(&project, "{ on: bool }", "{ on: Option<Vec<State>> }");
    project.write("src/lib.rs", &(project.read("src/lib.rs") + "pub struct State { x: u8 }\n"));
    project.ok(&["lock", "--accept", "LampSwitched"]);
    edit(&project, "x: u8", "#[serde(rename = \"x\")] y: u8");
    project.check_says(0, &[]);
    edit(&project, "y: u8", "y: u16");
    project.check_says(1, &["LU0201", "State{x: u8}", "State{x: u16}"]);
}

#[test]
fn a_removed_event_is_missed_unless_it_is_retired() {
    let project = locked();
    edit(&project, "    LampSwitched { on: bool },", "    LampBroken,");
    edit(&project, "LampEvent::LampSwitched { on: command.on }", "LampEvent::LampBroken");
    project.check_says(1, &["LU0203", "`LampSwitched` is gone", "retired(\"LampSwitched\")"]);
    edit(&project, "pub enum LampEvent", "#[event(retired(\"LampSwitched\"))]\npub enum LampEvent");
    project.check_says(1, &["LU0202", "`LampSwitched` is in lucent.lock only"]);
    project.ok(&["check", "--update"]);
    assert!(!project.read("lucent.lock").contains("LampSwitched"));
}

#[test]
fn a_command_and_a_snapshot_are_locked_too() {
    let project = locked();
    edit(&project, "    on: bool,\n}", "    on: u8,\n}");
    project.check_says(1, &["LU0201", "the command `Switch`", "another command"]);
    let project = Project::library(&DOMAIN.replace(
        "pub struct Lamp;",
        "#[aggregate(snapshot(every = 9))]\npub struct Lamp { on: bool }",
    ));
    project.ok(&["lock"]);
    edit(&project, "pub struct Lamp { on: bool }", "pub struct Lamp { on: u8 }");
    project.check_says(1, &["LU0201", "the snapshot `Lamp`", "snapshot(version = 2)"]);
}

#[test]
fn versions_of_a_function_stand_beside_each_other() {
    let functions = "\
use lucent_core::prelude::*;
#[function(version = 1)]
fn score(amount: u64) -> u64 { amount }
#[function(of = score, version = 2)]
fn score_2(amount: u64) -> u64 { amount }
#[function(of = score, version = 2, variant = \"bold\")]
fn score_bold(amount: u64) -> u64 { amount }
";
    let project = Project::library(functions);
    project.ok(&["lock"]);
    let lock = project.read("lucent.lock");
    assert!(
        lock.contains("function shop/score 1 (u64) -> u64\nfunction shop/score 2 (u64) -> u64\nfunction shop/score#bold 2 (u64) -> u64\n")
    );
    edit(&project, "fn score_2(amount: u64) -> u64", "fn score_2(amount: u64) -> f64");
    project.check_says(1, &["LU0201", "-> f64", "raise it to `version = 3`"]);
}

#[test]
fn a_merge_conflict_is_named_with_its_lines() {
    let project = locked();
    let lock = project.read("lucent.lock");
    project.write(
        "lucent.lock",
        &format!("{lock}<<<<<<< HEAD\nevent shop/A 1 ()\n=======\n>>>>>>> b\n"),
    );
    project.check_says(
        1,
        &["LU0206", "merge conflict", "lucent.lock:6", "keep the lines of both sides"],
    );
    let before = project.read("lucent.lock");
    assert_eq!(project.run(&["lock"]).code, 1);
    assert_eq!(project.read("lucent.lock"), before);
}

#[test]
fn a_damaged_lock_is_named_with_its_line() {
    let project = locked();
    project.write("lucent.lock", &project.read("lucent.lock").replace("event shop/", "event "));
    project.check_says(1, &["LU0205", "names no package", "lucent.lock:5"]);
    project.write("lucent.lock", "\u{0}\u{1}");
    project.check_says(1, &["LU0205", "no lock of this version", "lucent.lock:1"]);
}

#[test]
fn lines_of_packages_that_were_not_looked_at_stay() {
    let member = |name: &str| MANIFEST.replace("shop", name);
    let project = Project::of(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n"),
        ("a/Cargo.toml", &member("a")),
        ("a/src/lib.rs", DOMAIN),
        ("b/Cargo.toml", &member("b")),
        (
            "b/src/lib.rs",
            &DOMAIN
                .replace("switch", "toggle")
                .replace("Lamp", "Light")
                .replace("Switch ", "Toggle ")
                .replace("&Switch", "&Toggle"),
        ),
    ]);
    project.ok(&["lock"]);
    let both = project.read("lucent.lock");
    project.ok(&["lock", "-p", "a"]);
    assert_eq!(project.read("lucent.lock"), both);
    project.ok(&["check", "-p", "b"]);
}

#[test]
fn types_of_other_packages_are_spelled_out_whichever_packages_are_meant() {
    let domain = DOMAIN.replace("{ on: bool }", "{ on: money::Price }");
    let project = Project::of(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"shop\", \"money\"]\nresolver = \"3\"\n"),
        (
            "shop/Cargo.toml",
            &format!("{MANIFEST}[dependencies]\nmoney = {{ path = \"../money\" }}\n"),
        ),
        ("shop/src/lib.rs", &domain),
        ("money/Cargo.toml", "[package]\nname = \"money\"\nedition = \"2024\"\n"),
        ("money/src/lib.rs", "pub struct Price { pub cents: u64 }\n"),
    ]);
    project.ok(&["lock"]);
    let lock = project.read("lucent.lock");
    assert!(lock.contains("LampSwitched 1 {on: Price{cents: u64}}"), "{lock}");
    project.ok(&["check", "-p", "shop"]);
    project.write("money/src/lib.rs", "pub struct Price { pub cents: i64 }\n");
    let run = project.run(&["check", "-p", "shop"]);
    assert!(run.code == 1 && run.err.contains("Price{cents: i64}"), "{run:?}");
}
