//! The table of behaviors names every behavior, and every behavior states its promise.

use std::{collections::BTreeSet, fs, path::Path};

use lucent_testkit::conformance::BEHAVIORS;

/// The public functions of the suite's files as `theme::name`, with the line before each.
fn written() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance/behaviors");
    let mut functions = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of behaviors is there") {
        let path = entry.expect("folders can be listed").path();
        let theme =
            path.file_stem().and_then(|stem| stem.to_str()).expect("files have names").to_owned();
        let text = fs::read_to_string(&path).expect("source is text");
        let mut before = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let name = rest.split_once('(').map_or(rest, |(name, _)| name);
                functions.push((format!("{theme}::{name}"), before.to_owned()));
            }
            before = line;
        }
    }
    functions
}

#[test]
fn every_behavior_is_in_the_table() {
    let listed: Vec<String> =
        BEHAVIORS.iter().map(|behavior| format!("{}::{}", behavior.theme, behavior.name)).collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a behavior is listed twice");
    let written: BTreeSet<String> = written().into_iter().map(|(name, _)| name).collect();
    let forgotten: Vec<_> = written.difference(&unique).collect();
    assert!(forgotten.is_empty(), "add these to the table: {forgotten:?}");
}

#[test]
fn every_behavior_states_its_promise() {
    for (name, before) in written() {
        assert!(before.starts_with("/// "), "{name} has no line of documentation before it");
    }
}
