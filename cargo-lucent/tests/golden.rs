//! What the program prints: each command on `fixtures/shop`, and every help text.
//!
//! Invariant: `UPDATE_GOLDEN=1` is the only way to change what is expected, and no file is
//! forgotten. The book includes some of these files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::project::Project;

fn shop() -> Project {
    let folder = here("fixtures/shop");
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    Project::of(&[
        ("Cargo.toml", &read("Cargo.toml.in")),
        ("src/lib.rs", &read("src/lib.rs")),
        ("src/order.rs", &read("src/order.rs")),
        ("src/reports.rs", &read("src/reports.rs")),
    ])
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

#[track_caller]
fn is_expected(file: &str, text: &str) {
    let path = here("golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (line, wanted)) in text.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(line, wanted, "{file}, line {}", number + 1);
    }
    assert_eq!(text.len(), wanted.len(), "{file} has another length");
}

#[test]
fn each_command_prints_what_it_printed_before() {
    let shop = shop();
    for (file, arguments) in OUTPUTS {
        is_expected(file, &shop.ok(arguments).out);
    }
    shop.ok(&["lock"]);
    is_expected("lucent.lock", &shop.read("lucent.lock"));
    is_expected("explain.md", &shop.ok(&["explain", "LU0201"]).out);
    is_expected("codes.txt", &shop.ok(&["explain"]).out);
}

#[test]
fn a_change_without_a_version_is_shown_as_it_was_before() {
    let shop = shop();
    shop.ok(&["lock"]);
    let changed = shop.read("src/order.rs").replace("total: Money, note", "total: u64, note");
    shop.write("src/order.rs", &changed);
    let run = shop.run(&["check"]);
    assert_eq!(run.code, 1);
    is_expected("changed.txt", &run.err);
    let report: serde_json::Value =
        serde_json::from_str(&shop.run(&["check", "--json"]).out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["findings"][0]["code"], "LU0201");
    assert_eq!(report["findings"][0]["place"]["line"], 15);
}

#[test]
fn each_help_text_is_what_it_was_before() {
    let anywhere = Project::of(&[]);
    is_expected("help/cargo-lucent.txt", &anywhere.ok(&["--help"]).out);
    for command in COMMANDS {
        let help = anywhere.ok(&["lucent", command, "--help"]).out;
        is_expected(&format!("help/{command}.txt"), &help);
    }
}

#[test]
fn the_book_shows_the_page_of_each_code() {
    let book = here("../../book/src/findings.md");
    let book = std::fs::read_to_string(book).unwrap();
    let codes = Project::of(&[]).ok(&["explain"]).out;
    for line in codes.lines() {
        let code = line.split(':').next().unwrap();
        assert!(book.contains(&format!("/{code}.md}}}}")), "{code} is not in the book");
    }
}

#[test]
fn completions_are_made_for_each_shell() {
    let anywhere = Project::of(&[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = anywhere.ok(&["completions", shell]).out;
        assert!(script.contains("lucent") && script.contains("deny-warnings"), "{shell}");
    }
}

#[test]
fn help_can_be_asked_for_as_of_cargo_itself() {
    let anywhere = Project::of(&[]);
    let asked = anywhere.ok(&["lucent", "help", "graph"]).out;
    assert_eq!(asked, anywhere.ok(&["lucent", "graph", "--help"]).out);
    assert_eq!(anywhere.ok(&["help"]).out, anywhere.ok(&["--help"]).out);
}

#[cfg(unix)]
#[test]
fn bash_completes_cargo_lucent_and_the_rest_of_cargo_as_before() {
    let anywhere = Project::of(&[]);
    let script = anywhere.ok(&["completions", "bash"]).out;
    anywhere.write("completions.bash", &script);
    let complete = |words: &str| {
        let command = format!(
            "_before() {{ COMPREPLY=(build \"before:$2\"); }}; complete -F _before cargo; \
             source completions.bash; source completions.bash; \
             [[ $(complete -p cargo) =~ -F\\ ([^\\ ]+) ]]; \
             COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             last=${{COMP_WORDS[COMP_CWORD]}}; before=${{COMP_WORDS[COMP_CWORD - 1]}}; \
             ${{BASH_REMATCH[1]}} cargo \"$last\" \"$before\"; echo \"${{COMPREPLY[*]}}\""
        );
        let bash = std::process::Command::new("bash")
            .args(["--norc", "-c", &command])
            .current_dir(anywhere.root())
            .output()
            .expect("bash is a shell of Unix");
        assert!(bash.stderr.is_empty(), "{}", String::from_utf8_lossy(&bash.stderr));
        String::from_utf8(bash.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("cargo bui"), "build before:bui");
    assert_eq!(complete("cargo lucent gra"), "graph");
    assert_eq!(complete("cargo lucent graph --form"), "--format");
    assert_eq!(complete("cargo lucent graph --format s"), "svg");
    assert_eq!(complete("cargo lucent check --deny"), "--deny-warnings");
}

#[test]
fn every_command_has_a_json_form() {
    let shop = shop();
    shop.ok(&["lock"]);
    for arguments in [
        &["list"][..],
        &["graph"],
        &["catalog"],
        &["manifest"],
        &["check"],
        &["lock"],
        &["explain"],
        &["explain", "1"],
    ] {
        let run = shop.run(&[arguments, &["--json"]].concat());
        let value = serde_json::from_str::<serde_json::Value>(&run.out);
        assert!(value.is_ok(), "{arguments:?}: {run:?}");
    }
}

#[test]
fn the_asyncapi_document_refers_only_to_what_is_in_it() {
    let run = shop().ok(&["catalog", "--format", "asyncapi-json"]);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let mut references = 0;
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
            references += 1;
        }
        match value {
            serde_json::Value::Object(map) => open.extend(map.values()),
            serde_json::Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > 10, "{references}");
}

#[test]
fn no_golden_file_is_forgotten() {
    let expected: BTreeSet<String> = OUTPUTS
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .chain(["lucent.lock", "explain.md", "codes.txt", "changed.txt", "help"].map(str::to_owned))
        .collect();
    assert_eq!(entries("golden"), expected);
    let helps: BTreeSet<String> =
        COMMANDS.iter().chain(&["cargo-lucent"]).map(|command| format!("{command}.txt")).collect();
    assert_eq!(entries("golden/help"), helps);
}

fn entries(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(here(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const OUTPUTS: &[(&str, &[&str])] = &[
    ("list.txt", &["list"]),
    ("graph.mmd", &["graph"]),
    ("graph.svg", &["graph", "--format", "svg"]),
    ("graph.json", &["graph", "--json"]),
    ("catalog.md", &["catalog"]),
    ("asyncapi.yaml", &["catalog", "--format", "asyncapi-yaml"]),
    ("manifest.json", &["manifest"]),
];

const COMMANDS: &[&str] =
    &["new", "list", "graph", "catalog", "manifest", "check", "lock", "explain", "completions"];
