//! `lucent_manifest.json`: the same facts for tools.
//!
//! Invariant: the format is numbered; keys and functions have a stable order.

use serde_json::{Value, json};

use crate::package::{Composed, Package, Target};
use crate::resolve::{Listed, Model};

/// Writes the manifest of a package.
pub(crate) fn manifest(package: &Package, models: &[(Target, Vec<Composed>, Model)]) -> String {
    let functions: Vec<Value> = models
        .iter()
        .flat_map(|(target, _, model)| {
            model
                .functions
                .iter()
                .map(move |listed| function(target, listed))
        })
        .collect();
    let targets: Vec<Value> = models
        .iter()
        .map(|(target, composed, _)| {
            let composed: Vec<&str> = composed
                .iter()
                .map(|dependency| dependency.crate_name.as_str())
                .collect();
            json!({ "target": target.id(), "source": package.display(&target.source), "composes": composed })
        })
        .collect();
    let manifest = json!({
        "format": FORMAT,
        "crate": package.name,
        "targets": targets,
        "functions": functions,
    });
    format!("{manifest:#}\n")
}

fn function(target: &Target, listed: &Listed) -> Value {
    let mut module = target.crate_name.clone();
    for segment in &listed.module {
        module.push_str("::");
        module.push_str(segment);
    }
    json!({
        "target": target.id(),
        "name": listed.function.name,
        "kind": listed.kind.attribute(),
        "function": listed.function.ident,
        "module": module,
        "file": listed.file,
        "line": listed.function.line,
        "signature": listed.function.signature,
        "cfg": listed.cfg,
        "docs": listed.function.docs,
        "fingerprint": format!("{:016x}", listed.function.fingerprint),
    })
}

const FORMAT: u32 = 1;
