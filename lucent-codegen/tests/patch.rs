//! Scans after changes of functions: they patch what the last scan wrote.
//!
//! Invariant: whatever was edited in whatever order, the outputs are those of a scan that knows nothing.

use std::collections::BTreeMap;

use lucent_codegen::{Package, Summary, Target, TargetKind, scan};
use proptest::prelude::*;

use crate::folder::Folder;

const LIB: &str = "lucent_registry_lib_shop.rs";
const BIN: &str = "lucent_registry_bin_shop.rs";
const MANIFEST: &str = "lucent_manifest.json";

fn package(folder: &Folder) -> Package {
    let mut package = Package::conventional("shop", folder.root());
    let root = |file: &str| folder.root().join(file);
    package.targets = vec![
        Target::new(TargetKind::Lib, "shop", root("src/lib.rs")),
        Target::new(TargetKind::Bin, "shop", root("src/main.rs")),
    ];
    package
}

fn scanned(folder: &Folder) -> Summary {
    scan(&package(folder), &folder.out()).unwrap()
}

/// Scans without a memory of earlier scans.
fn scanned_anew(folder: &Folder) -> Summary {
    for cache in std::fs::read_dir(folder.out()).unwrap() {
        let cache = cache.unwrap().path();
        if cache.extension().is_some_and(|extension| extension == "cache") {
            std::fs::remove_file(cache).unwrap();
        }
    }
    let summary = scanned(folder);
    assert!(summary.walked && summary.skimmed == summary.files);
    summary
}

fn outputs(folder: &Folder) -> [String; 3] {
    [LIB, BIN, MANIFEST].map(|name| folder.output(name))
}

/// The first line that the outputs of two folders do not share.
fn difference(one: &Folder, other: &Folder) -> Option<(String, String)> {
    let [one, other] = [one, other].map(|folder| outputs(folder).join("\n"));
    let mut lines = one.lines().zip(other.lines()).filter(|(one, other)| one != other);
    let (one, other) = lines.next().or_else(|| (one != other).then_some(("longer", "shorter")))?;
    Some((one.to_owned(), other.to_owned()))
}

/// A file, as a list of what it has.
#[derive(Clone, Debug, Default)]
struct File {
    functions: Vec<usize>,
    imports: usize,
    modules: Vec<&'static str>,
    rest: usize,
    broken: bool,
}

impl File {
    fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", IMPORTS[self.imports], RESTS[self.rest]);
        for function in &self.functions {
            text.push_str(FUNCTIONS[*function]);
            text.push('\n');
        }
        for module in &self.modules {
            text.push_str(module);
            text.push('\n');
        }
        text
    }
}

/// What is edited: a file, and how.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Function,
    Import,
    Module,
    Rest,
    Break,
}

type Files = BTreeMap<&'static str, File>;

fn files() -> Files {
    let file = |functions: &[usize], modules: &[&'static str]| File {
        functions: functions.to_vec(),
        modules: modules.to_vec(),
        ..File::default()
    };
    BTreeMap::from([
        ("src/lib.rs", file(&[0], &["lucent_core::registry!();", "mod a;", "mod b;", SHARED])),
        ("src/main.rs", file(&[1], &["lucent_core::registry!();", SHARED])),
        ("src/a.rs", file(&[2], &["mod c;"])),
        ("src/a/c.rs", file(&[3, 4], &[])),
        ("src/b.rs", file(&[5], &["mod inner { use super::*; pub mod c; }", INCLUDED])),
        ("src/b/c.rs", file(&[], &[])),
        ("src/b/inner/c.rs", file(&[6], &[])),
        ("src/shared.rs", file(&[7], &[])),
        ("src/included.rs", File { imports: 4, ..file(&[8], &[]) }),
    ])
}

impl Edit {
    fn apply(self, file: &mut File, choice: usize) {
        match self {
            Self::Function => toggle(&mut file.functions, choice % FUNCTIONS.len()),
            Self::Import => file.imports = choice % IMPORTS.len(),
            Self::Module => toggle(&mut file.modules, MODULES[choice % MODULES.len()]),
            Self::Rest => file.rest = choice % RESTS.len(),
            Self::Break => file.broken = true,
        }
    }
}

fn toggle<T: PartialEq>(items: &mut Vec<T>, item: T) {
    match items.iter().position(|other| *other == item) {
        Some(index) => drop(items.remove(index)),
        None => items.push(item),
    }
}

fn write(folder: &Folder, files: &Files, text: impl Fn(&File) -> String) {
    for (path, file) in files {
        let text = text(file);
        let current = std::fs::read_to_string(folder.root().join(path));
        if current.ok().as_ref() != Some(&text) {
            folder.write(path, &text);
        }
    }
}

fn watched(folder: &Folder, summary: &Summary) -> Vec<String> {
    let root = folder.root();
    let relative = summary.watched.iter().map(|path| path.strip_prefix(&root).unwrap_or(path));
    relative.map(|path| path.display().to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_any_edits_the_outputs_are_those_of_a_scan_that_knows_nothing(
        edits in prop::collection::vec(
            (
                prop_oneof![
                    6 => Just(Edit::Function),
                    2 => Just(Edit::Import),
                    2 => Just(Edit::Module),
                    2 => Just(Edit::Rest),
                    1 => Just(Edit::Break),
                ],
                0..files().len(),
                0..64_usize,
                // Whether the next edit comes before the scan.
                prop::bool::weighted(0.2),
            ),
            1..16,
        ),
    ) {
        let (folder, fresh) = (Folder::of(&[]), Folder::of(&[]));
        let mut files = files();
        write(&folder, &files, File::text);
        scanned(&folder);
        let mut unseen = false;
        for (edit, file, choice, more) in edits {
            let file = files.values_mut().nth(file).unwrap();
            if !(unseen && matches!(edit, Edit::Break)) {
                edit.apply(file, choice);
            }
            unseen = more && !matches!(edit, Edit::Break);
            if unseen {
                continue;
            }
            // A broken file counts as what it was.
            write(&folder, &files, |file| if file.broken { "fn (".to_owned() } else { file.text() });
            let patched = scanned(&folder);
            write(&fresh, &files, File::text);
            let cold = scanned_anew(&fresh);
            let different = difference(&folder, &fresh);
            prop_assert!(different.is_none(), "{different:?}");
            prop_assert_eq!((patched.files, patched.functions), (cold.files, cold.functions));
            prop_assert_eq!(patched.mistakes, cold.mistakes);
            prop_assert_eq!(patched.unregistered.len(), cold.unregistered.len());
            prop_assert_eq!(watched(&folder, &patched), watched(&fresh, &cold));
            files.values_mut().for_each(|file| file.broken = false);
        }
    }
}

#[test]
fn a_function_that_comes_goes_or_gets_another_name_does_not_have_the_modules_walked() {
    let (folder, fresh) = (Folder::of(&[]), Folder::of(&[]));
    let mut files = files();
    write(&folder, &files, File::text);
    assert!(scanned(&folder).walked);
    for (path, functions, count) in [
        ("src/a/c.rs", vec![4, 3], 10),
        ("src/a/c.rs", vec![4, 9], 10),
        ("src/a/c.rs", vec![9], 9),
        ("src/a/c.rs", vec![], 8),
        ("src/lib.rs", vec![0, 3, 4], 10),
        ("src/shared.rs", vec![7, 12], 12),
        ("src/b/inner/c.rs", vec![9, 6, 11], 14),
        ("src/a.rs", vec![], 13),
    ] {
        files.get_mut(path).unwrap().functions = functions;
        write(&folder, &files, File::text);
        let summary = scanned(&folder);
        assert_eq!(
            (summary.walked, summary.skimmed, summary.functions),
            (false, 1, count),
            "{path}"
        );
        write(&fresh, &files, File::text);
        scanned_anew(&fresh);
        assert_eq!(difference(&folder, &fresh), None, "{path}");
    }
}

#[test]
fn a_file_that_breaks_after_a_patch_keeps_what_the_patch_knew() {
    let folder = Folder::of(&[]);
    let mut files = files();
    write(&folder, &files, File::text);
    scanned(&folder);
    files.get_mut("src/a.rs").unwrap().functions = vec![9, 10];
    write(&folder, &files, File::text);
    assert!(!scanned(&folder).walked);
    let known = outputs(&folder);
    folder.write("src/a.rs", "fn (");
    assert!(!scanned(&folder).walked);
    std::fs::remove_file(folder.out().join("lucent_stamps.cache")).unwrap();
    assert!(scanned(&folder).walked);
    assert_eq!(outputs(&folder), known);
}

#[test]
fn a_damaged_memory_of_pieces_means_a_whole_scan() {
    for damage in [&b""[..], b"lucent patch 2 of 0.1.0\nxxxxxxxxxxxxxxxxx"] {
        let folder = Folder::of(&[]);
        let mut files = files();
        write(&folder, &files, File::text);
        scanned(&folder);
        std::fs::write(folder.out().join("lucent_patch.cache"), damage).unwrap();
        files.get_mut("src/a.rs").unwrap().functions = vec![9, 10];
        write(&folder, &files, File::text);
        assert!(scanned(&folder).walked);
        assert!(folder.output(LIB).contains("pub struct p9;"));
    }
}

const INCLUDED: &str = "include!(\"included.rs\");";

const SHARED: &str = "#[path = \"shared.rs\"] mod shared;";

const IMPORTS: [&str; 5] = [
    "use lucent_core::prelude::*;",
    "use lucent_core::projector;\nuse other::command_handler;",
    "use other::projector;",
    "use ::lucent_core as lc;\nuse lc::projector as projector;",
    "",
];

const MODULES: [&str; 9] = [
    "mod c;",
    "mod a;",
    "mod b;",
    SHARED,
    "#[cfg(unix)] mod b;",
    INCLUDED,
    "mod inner { use super::*; pub mod c; }",
    "mod inline { use lucent_core::*; #[projector] fn p20(v: &mut V, e: &E) {} }",
    "lucent_core::registry!();",
];

const RESTS: [&str; 6] = [
    "",
    "// Everything moves\n\n",
    "impl X { #[projector] fn method(&self) {} }",
    "#![cfg(feature = \"x\")]",
    "/// Docs.\n#[lc::projector] fn p21(v: &mut V, e: &E) {}",
    "mod tail { #[super::projector] fn p22(v: &mut V, e: &E) {} }",
];

const FUNCTIONS: [&str; 16] = [
    "#[projector] fn p0(v: &mut V, e: &E) {}",
    "#[projector] fn p1(v: &mut V, e: &E) {}",
    "#[projector(name = \"a b\")] fn p2(v: &mut V, e: &E) {}",
    "/// Docs.\n#[command_handler] fn p3(s: &S, c: &C) -> E {}",
    "#[function(on = E)] fn p4(e: &E) -> u64 {}",
    "#[cfg(feature = \"x\")] #[projector] fn p5(v: &mut V, e: &E) {}",
    "#[lucent_core::projector] fn p6(v: &mut V, e: &E) {}",
    "#[function(on = E, version = 2)] fn p7(e: &E) -> u64 {}",
    "#[projector] fn p8(v: &mut V, e: &E) {}",
    "#[projector] fn p9(v: &mut V, e: &E) {}",
    "#[projector(name = \"a-b\")] fn p10(v: &mut V, e: &E) {}",
    "#[projector(name = \"p22\")] fn p11(v: &mut V, e: &E) {}",
    "#[event_handler] async fn p12(e: &E) {}",
    "#[projector] fn p9(v: &mut V, other: &E) {}",
    "/// Docs.\n#[function] fn p_4(e: &E) -> u64 {}",
    "#[function(of = p4, version = 2)] fn p13(e: &E) -> u64 {}",
];
