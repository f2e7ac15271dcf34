//! Packages in `tests/fixtures/<case>` and the files that a scan of them writes.
//!
//! Invariant: `UPDATE_GOLDEN=1` is the only way to change what is expected, and no fixture is
//! forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lucent_codegen::{Package, scan};

use crate::folder::Folder;

macro_rules! fixtures {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(&Package::conventional("shop", fixtures().join(stringify!($name))));
            }
        )*

        const PLAIN: &[&str] = &[$(stringify!($name)),*];
    };
}

fixtures!(broken, conditions, empty, functions, lib_and_bins, mistakes, modules, names, twins);

#[test]
fn composition() {
    let mut package = Package::conventional("shop", fixtures().join("composition"))
        .composing("stock")
        .composing("bank_domain");
    package.core = "::es".to_owned();
    check(&package);
}

#[test]
fn ids() {
    check(&Package::conventional("shop", fixtures().join("ids")).with_call_methods());
}

#[test]
fn no_fixture_is_forgotten() {
    let mut known: BTreeSet<String> = PLAIN.iter().map(|name| (*name).to_owned()).collect();
    known.extend(["composition", "ids"].map(str::to_owned));
    assert_eq!(entries(&fixtures()), known);
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn entries(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .map(|entries| {
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        })
        .unwrap_or_default()
}

#[track_caller]
fn check(package: &Package) {
    let folder = Folder::of(&[]);
    let summary = scan(package, &folder.out()).unwrap();
    let expected = package.root.join("expected");
    let mut outputs: BTreeSet<String> = package
        .targets
        .iter()
        .map(|target| format!("lucent_registry_{}.rs", target.id().replace(':', "_")))
        .collect();
    outputs.insert("lucent_manifest.json".to_owned());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(&expected).unwrap();
        for output in &outputs {
            std::fs::write(expected.join(output), folder.output(output)).unwrap();
        }
    }
    assert_eq!(entries(&expected), outputs);
    for output in &outputs {
        let wanted = std::fs::read_to_string(expected.join(output)).unwrap();
        assert_eq!(folder.output(output), wanted, "{output}");
        if output.ends_with(".rs") {
            wanted.parse::<proc_macro2::TokenStream>().unwrap();
        } else {
            let manifest: serde_json::Value = serde_json::from_str(&wanted).unwrap();
            let functions = manifest["functions"].as_array().unwrap();
            assert_eq!(functions.len(), summary.functions);
        }
    }
}
