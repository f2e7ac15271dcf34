//! What is no Rust, not there, or too much.

use crate::project::{DOMAIN, MANIFEST, Project, run_in};

#[test]
fn a_file_that_is_not_rust_is_named_with_its_line() {
    let project = Project::library(&format!("{DOMAIN}mod broken;\n"));
    project.write("src/broken.rs", "fn a() {}\nfn b( {\n");
    project.check_says(1, &["LU0001", "src/broken.rs", "not Rust"]);
    let refused = project.run(&["lock"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("LU0001") && !project.root().join("lucent.lock").exists());
    std::fs::write(project.root().join("src/broken.rs"), [0xff, 0xfe, 0x00]).unwrap();
    project.check_says(1, &["LU0001", "no UTF-8"]);
}

#[test]
fn what_leaves_something_out_says_so_and_replaces_no_file() {
    let project = Project::library(&format!("{DOMAIN}mod broken;\n"));
    let whole = project.root().join("src/broken.rs");
    std::fs::write(&whole, "").unwrap();
    project.ok(&["catalog", "-o", "catalog.md"]);
    let before = project.read("catalog.md");
    std::fs::write(&whole, "fn a() {}\nfn b( {\n").unwrap();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["graph"],
        &["graph", "--format", "svg"],
        &["catalog"],
        &["catalog", "--format", "asyncapi-json"],
        &["manifest"],
    ] {
        let run = project.run(arguments);
        assert_eq!(run.code, 1, "{arguments:?}");
        assert!(run.err.contains("error[LU0001]: src/broken.rs is not Rust: a bracket"), "{run:?}");
        assert!(run.err.ends_with("what is printed is not all there is\n"), "{run:?}");
        assert!(run.out.contains("LampSwitched"), "{run:?}");
    }
    let refused = project.run(&["catalog", "-o", "catalog.md"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("catalog.md is not written"), "{refused:?}");
    assert_eq!(project.read("catalog.md"), before);
}

#[test]
fn a_module_without_a_file_is_named() {
    let project = Project::library(&format!("{DOMAIN}mod gone;\n#[cfg(windows)] mod elsewhere;\n"));
    project.run(&["lock"]);
    project.check_says(1, &["LU0005", "src/gone.rs"]);
    assert!(!project.run(&["check"]).err.contains("elsewhere"));
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_a_circle_end() {
    let project = Project::library(&format!("{DOMAIN}mod ring;\nmod itself;\n"));
    let link = std::os::unix::fs::symlink::<std::path::PathBuf, std::path::PathBuf>;
    std::fs::create_dir_all(project.root().join("src/ring")).unwrap();
    project.write("src/ring/mod.rs", "pub mod ring;");
    link(project.root().join("src/ring"), project.root().join("src/ring/ring")).unwrap();
    link(project.root().join("src/itself.rs"), project.root().join("src/itself.rs")).unwrap();
    project.check_says(1, &["LU0005", "src/itself.rs"]);
}

#[test]
fn deep_nesting_is_a_finding_and_no_crash() {
    let deep = format!("const X: u8 = {}1{};\n", "(".repeat(20_000), ")".repeat(20_000));
    let project = Project::library(&format!("{DOMAIN}mod deep;\n"));
    project.write("src/deep.rs", &deep);
    project.check_says(1, &["LU0001", "nests more than", "src/deep.rs:1"]);
}

#[test]
fn ten_thousand_functions_and_a_hundred_thousand_lines_are_read() {
    let mut text = DOMAIN.to_owned();
    for index in 0..10_000 {
        text.push_str(&format!(
            "#[projector(name = \"p{index}\", version = 1)]\nfn p{index}(view: &mut View, event: &LampEvent) {{\n    let _ = event;\n    \
             let _ = view;\n}}\n\n\n\n\n\n"
        ));
    }
    assert!(text.lines().count() > 100_000);
    let project = Project::library(&text);
    let list = project.ok(&["list"]);
    assert_eq!(list.out.matches("(&mut View, &LampEvent)").count(), 10_000);
}

#[test]
fn a_place_without_a_project_is_a_usage_error() {
    let empty = tempfile::tempdir().unwrap();
    let run = run_in(empty.path(), &["list"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("could not find `Cargo.toml`"), "{run:?}");
    let plain = Project::of(&[
        ("Cargo.toml", "[package]\nname = \"plain\"\nedition = \"2024\"\n"),
        ("src/lib.rs", ""),
    ]);
    let run = plain.run(&["check"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("no package of") && run.err.contains("cargo lucent new"), "{run:?}");
    let unknown = Project::library(DOMAIN).run(&["list", "-p", "bank"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no package `bank`; it has shop"), "{unknown:?}");
    let broken = Project::of(&[("Cargo.toml", "[package\n")]).run(&["list"]);
    assert_eq!(broken.code, 2, "{broken:?}");
}

#[test]
fn an_unknown_code_is_a_usage_error_that_says_which_there_are() {
    let run = Project::of(&[("Cargo.toml", MANIFEST)]).run(&["explain", "LU9999"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("codes go from LU0001 to LU0309"), "{run:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_a_failure() {
    let run = Project::library(DOMAIN).run(&["graph", "-o", "no/such/folder/graph.mmd"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("cannot write no/such/folder/graph.mmd"), "{run:?}");
}
