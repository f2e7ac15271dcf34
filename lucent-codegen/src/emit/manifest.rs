//! `lucent_manifest.json`: the same facts for tools.
//!
//! Invariant: the format is numbered; keys and functions have a stable order. Lines are left out, so
//! that an edit which moves a function writes nothing; `cargo lucent manifest` has them. The text is written
//! directly, for building a tree of values first takes most of a scan in an unoptimized build.

use std::fmt::Write as _;

use super::rendered::Rendered;
use crate::package::{Composed, Package, Target};
use crate::resolve::{Listed, Model};

/// Writes the manifest of a package, with a comma behind each function; [`close`] makes it JSON.
///
/// It has one section for each target.
pub(crate) fn manifest(package: &Package, models: &[(&Target, &[Composed], &Model)]) -> Rendered {
    let targets = models.iter().map(|(target, composed, _)| {
        let composed = composed.iter().map(|dependency| string(&dependency.crate_name));
        object(&[
            ("target", string(&target.id())),
            ("source", string(&package.display(&target.source))),
            ("composes", list(composed)),
        ])
    });
    let mut rendered = Rendered::default();
    let _ = write!(
        rendered.text,
        "{{\n\"format\": {FORMAT},\n\"crate\": {},\n\"targets\": {},\n\"functions\": [\n",
        string(&package.name),
        lines(targets),
    );
    for (target, _, model) in models {
        rendered.section(&model.functions, |text, listed| {
            text.push_str(&function(target, listed));
            text.push_str(",\n");
        });
    }
    rendered.text.push_str(END);
    rendered
}

/// Takes away the comma behind the last function.
pub(crate) fn close(text: &mut Vec<u8>) {
    let end = text.len().saturating_sub(END.len() + 2);
    match text.get(end) {
        Some(b',') => _ = text.remove(end),
        // There is no function.
        _ => _ = text.remove(end + 1),
    }
}

/// Puts the comma back that [`close`] took away.
pub(crate) fn reopen(text: &mut Vec<u8>) {
    let end = text.len().saturating_sub(END.len() + 1);
    if text.get(end) == Some(&b'\n') {
        text.insert(end, b',');
    }
}

fn function(target: &Target, listed: &Listed) -> String {
    let function = &listed.function;
    object(&[
        ("target", string(&target.id())),
        ("name", string(&function.name)),
        ("kind", string(listed.kind.attribute())),
        ("function", string(&function.ident)),
        ("module", string(&listed.module_of(target))),
        ("file", string(&listed.file)),
        ("signature", string(&function.signature)),
        ("cfg", list(listed.cfg.iter().map(|cfg| string(cfg)))),
        ("docs", string(&function.docs)),
        ("fingerprint", format!("\"{:016x}\"", function.fingerprint)),
    ])
}

fn object<const N: usize>(fields: &[(&str, String); N]) -> String {
    let mut text = String::from("{");
    for (index, (key, value)) in fields.iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ", \"" });
        text.push_str(key);
        text.push_str("\": ");
        text.push_str(value);
    }
    text.push('}');
    text
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A list with one item on each line, so that a changed function is a changed line.
fn lines(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return "[]".to_owned();
    }
    format!("[\n{}\n]", items.join(",\n"))
}

fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    if !text.contains(|c: char| c == '"' || c == '\\' || c < ' ') {
        quoted.push_str(text);
        quoted.push('"');
        return quoted;
    }
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if u32::from(c) < 0x20 => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

const FORMAT: u32 = 2;

/// What stands behind the functions.
const END: &str = "]\n}\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_json() {
        for text in ["", "a\"b\\c\nd\u{1}e\tü\u{7f}\u{2028}"] {
            let read: String = serde_json::from_str(&string(text)).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_manifest_is_json() {
        let package = Package::conventional("bank", "/w/bank");
        let target = Target::new(crate::TargetKind::Lib, "bank", "/w/bank/src/lib.rs");
        let mut text = manifest(&package, &[(&target, &[], &Model::default())]).text.into_bytes();
        close(&mut text);
        let read: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(read["targets"][0]["source"], "src/lib.rs");
    }
}
