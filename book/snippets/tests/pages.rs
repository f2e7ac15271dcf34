//! What the pages name exists: tests, messages and variants of errors.
//!
//! Invariant: a test that is renamed, and a message or a variant that is new, fails here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lucent_testkit::conformance::BEHAVIORS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder of the project, without what cargo built.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// What stands between backticks on a line, outside of blocks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("\n```").step_by(2);
    blocks.flat_map(str::lines).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// `file::name_of_a_test`: a name of several words behind a single word.
fn is_test(name: &str) -> Option<(&str, &str)> {
    let (file, test) = name.split_once("::")?;
    let is_word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let is_generated = file == "lucent_registry";
    let is_test = is_word(file) && is_word(test) && test.matches('_').count() > 1;
    (is_test && !is_generated).then_some((file, test))
}

#[test]
fn each_test_that_a_page_names_exists() {
    let mut tests: BTreeSet<(String, String)> = BEHAVIORS
        .iter()
        .map(|behavior| (behavior.theme.to_owned(), behavior.name.to_owned()))
        .collect();
    for folder in ["lucent-core", "lucent-codegen", "cargo-lucent", "backends"] {
        for path in files(&root().join(folder), "rs") {
            let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                if let Some((_, rest)) = line.split_once("fn ")
                    && let Some((name, _)) = rest.split_once('(')
                {
                    tests.insert((file.clone(), name.to_owned()));
                }
            }
        }
    }
    let mut named = 0;
    for page in files(&root().join("book/src"), "md") {
        for (file, test) in code(&fs::read_to_string(&page).unwrap()).filter_map(is_test) {
            named += 1;
            assert!(
                tests.contains(&(file.to_owned(), test.to_owned())),
                "{} names `{file}::{test}`, and there is no such test",
                page.display()
            );
        }
    }
    assert!(named > 50, "only {named} names were found");
}

/// A message without the names of anybody's code.
fn shape(message: &str) -> String {
    let words = message.split('`').step_by(2);
    words.collect::<Vec<_>>().join("``").trim().to_owned()
}

#[test]
fn each_message_of_the_compiler_is_in_the_index() {
    let index = read("book/src/errors.md");
    let rows = index.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let known: Vec<String> = rows.map(shape).collect();
    let mut missing = BTreeSet::new();
    for path in files(&root().join("lucent-core/tests/ui/fail"), "stderr") {
        for line in fs::read_to_string(path).unwrap().lines() {
            let message = line.strip_prefix("error").and_then(|rest| rest.split_once(": "));
            let Some((_, message)) = message.filter(|(code, _)| !code.contains(' ')) else {
                continue;
            };
            let shape = shape(message);
            let is_known = |known: &String| {
                let start = known.trim_end_matches('…').trim_end();
                *known == shape || (start.len() < known.len() && shape.starts_with(start))
            };
            if !known.iter().any(is_known) {
                missing.insert(message.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "book/src/errors.md has no row for {missing:#?}");
}

const ENUMS: &[(&str, &str)] = &[
    ("lucent-core/src/app/command_error.rs", "CommandError"),
    ("lucent-core/src/app/handler_handle.rs", "HandlerControlError"),
    ("lucent-core/src/app/load.rs", "LoadError"),
    ("lucent-core/src/app/projection_handle.rs", "ProjectionControlError"),
    ("lucent-core/src/app/start_error.rs", "StartError"),
    ("lucent-core/src/event/contract.rs", "DecodeError"),
    ("lucent-core/src/function/dispatch.rs", "DispatchError"),
    ("lucent-core/src/function/error.rs", "CallError"),
    ("lucent-core/src/function/error.rs", "ManagerError"),
    ("lucent-core/src/function/error.rs", "OrderError"),
    ("lucent-core/src/function/route.rs", "Refusal"),
    ("lucent-core/src/mesh/route.rs", "Nowhere"),
    ("lucent-core/src/mesh/transport.rs", "TransportError"),
    ("lucent-core/src/query/contract.rs", "ReadError"),
    ("lucent-core/src/query/contract.rs", "StuckCause"),
    ("lucent-core/src/store/append.rs", "AppendError"),
    ("lucent-core/src/store/append.rs", "VersionConflict"),
    ("lucent-core/src/store/error.rs", "StoreError"),
    ("lucent-core/src/store/read_models.rs", "CommitError"),
];

#[test]
fn each_variant_of_an_error_is_in_the_index() {
    let index = read("book/src/errors.md");
    for (path, name) in ENUMS {
        let title = match *name {
            "StartError" => "# When starting\n".to_owned(),
            name => format!("# {name}\n"),
        };
        let section = index.split_once(&title).unwrap_or_else(|| panic!("no section {name}")).1;
        let section = section.split("\n#").next().unwrap();
        let source = read(path);
        // The faults of a `DecodeError` are an enum of their own.
        let head = format!("pub enum {}", name.replace("DecodeError", "DecodeFault"));
        let body = source.split_once(&head).unwrap().1.split_once("{\n").unwrap().1;
        let body = body.split("\n}").next().unwrap();
        for line in body.lines() {
            let is_variant =
                line.strip_prefix("    ").filter(|rest| rest.starts_with(char::is_uppercase));
            let Some(variant) = is_variant.and_then(|rest| rest.split(['(', ' ', ',']).next())
            else {
                continue;
            };
            assert!(section.contains(&format!("| `{variant}` |")), "{name}::{variant} has no row");
        }
    }
}
