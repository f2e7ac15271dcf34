//! What a second scan does, and what it leaves alone.

use lucent_codegen::{Package, Summary, scan};

use crate::folder::Folder;

const REGISTRY: &str = "lucent_registry_lib_shop.rs";

fn shop() -> Folder {
    let folder =
        Folder::of(&[("src/lib.rs", "lucent_core::registry!();\nmod a;\nmod b;\nmod c;\n")]);
    for name in ["a", "b", "c"] {
        folder.write(
            &format!("src/{name}.rs"),
            &format!("#[lucent_core::projector]\nfn {name}(view: &mut View, event: &E) {{\n}}\n"),
        );
    }
    folder
}

fn scanned(folder: &Folder) -> Summary {
    scan(&Package::conventional("shop", folder.root()), &folder.out()).unwrap()
}

#[test]
fn an_unchanged_package_is_not_skimmed_and_nothing_is_written() {
    let folder = shop();
    let first = scanned(&folder);
    assert_eq!((first.files, first.skimmed, first.functions), (4, 4, 3));
    let second = scanned(&folder);
    assert_eq!((second.files, second.skimmed, second.functions), (4, 0, 3));
    assert!(second.written.is_empty());
    assert_eq!(first.watched, second.watched);
}

#[test]
fn one_changed_file_is_skimmed() {
    let folder = shop();
    scanned(&folder);
    folder.write(
        "src/b.rs",
        "#[lucent_core::projector]\nfn renamed(view: &mut View, event: &E) {}\n",
    );
    let summary = scanned(&folder);
    assert_eq!((summary.skimmed, summary.functions), (1, 3));
    assert!(folder.output(REGISTRY).contains("pub struct renamed;"));
}

#[test]
fn an_edit_of_a_body_changes_no_byte_of_the_registry() {
    let folder = shop();
    scanned(&folder);
    let before = folder.output(REGISTRY);
    folder.write(
        "src/b.rs",
        "#[lucent_core::projector]\nfn b(view: &mut View, event: &E) {\n    view.rows += 1;\n}\nfn more() {}\n",
    );
    let summary = scanned(&folder);
    assert_eq!(summary.skimmed, 1);
    assert!(summary.written.is_empty());
    assert_eq!(folder.output(REGISTRY), before);
}

#[test]
fn functions_that_move_change_no_output_and_what_comes_later_is_not_missed() {
    let folder = shop();
    scanned(&folder);
    let text = "#[lucent_core::projector]\nfn b(view: &mut View, event: &E) {\n}\n";
    folder.write("src/b.rs", &format!("// A comment above.\n\n{text}"));
    let summary = scanned(&folder);
    assert_eq!((summary.files, summary.skimmed, summary.functions), (4, 1, 3));
    assert!(summary.written.is_empty());
    assert_eq!(scanned(&folder).skimmed, 0);
    folder.write("src/b.rs", &text.replace("fn b", "fn renamed"));
    assert_eq!(scanned(&folder).written.len(), 2);
    assert!(folder.output(REGISTRY).contains("pub struct renamed;"));
    folder.write("src/b.rs", &text.replace("&E", "&F"));
    assert_eq!(scanned(&folder).written.len(), 2);
}

#[test]
fn an_output_that_was_deleted_is_written_again() {
    let folder = shop();
    scanned(&folder);
    std::fs::remove_file(folder.out().join(REGISTRY)).unwrap();
    assert_eq!(scanned(&folder).written.len(), 1);
    assert!(folder.output(REGISTRY).contains("pub struct b;"));
}

#[test]
fn another_package_or_a_damaged_memory_means_a_whole_scan() {
    let folder = shop();
    scanned(&folder);
    let package = Package::conventional("shop", folder.root()).composing("stock");
    assert!(!scan(&package, &folder.out()).unwrap().written.is_empty());
    assert!(folder.output(REGISTRY).contains("stock::lucent_registry"));
    assert!(!scanned(&folder).written.is_empty());
    for damaged in [&b""[..], b"lucent stamps 1 of 0.1.0\nxxxxxxxxxxxxxxx", b"\0"] {
        std::fs::write(folder.out().join("lucent_stamps.cache"), damaged).unwrap();
        let summary = scanned(&folder);
        assert_eq!((summary.functions, summary.written.len()), (3, 0));
    }
}

#[test]
fn a_mistake_names_the_line_of_today() {
    let folder = shop();
    let misplaced = "impl X {\n#[lucent_core::projector]\nfn x(&self) {}\n}\n";
    folder.write("src/b.rs", misplaced);
    assert_eq!(scanned(&folder).mistakes, 1);
    assert!(folder.output(REGISTRY).contains("src/b.rs:3"));
    folder.write("src/b.rs", &format!("\n\n{misplaced}"));
    assert_eq!(scanned(&folder).mistakes, 1);
    assert!(folder.output(REGISTRY).contains("src/b.rs:5"));
}

#[test]
fn a_syntax_error_keeps_the_last_good_facts() {
    let folder = shop();
    scanned(&folder);
    let before = folder.output(REGISTRY);
    for broken in ["#[lucent_core::projector]\nfn b(view: &mut View", "}", "mod x", "\"", "\u{0}("]
    {
        folder.write("src/b.rs", broken);
        let summary = scanned(&folder);
        assert_eq!((summary.skimmed, summary.functions), (1, 3), "{broken}");
        assert_eq!(folder.output(REGISTRY), before, "{broken}");
        // The broken text is known now.
        assert_eq!(scanned(&folder).skimmed, 0);
    }
    folder.write("src/lib.rs", "mod a; mod b; mod c; fn f( {");
    assert_eq!(scanned(&folder).functions, 3);
    folder.write("src/lib.rs", "mod a;");
    assert_eq!(scanned(&folder).functions, 1);
}

#[test]
fn a_file_that_is_broken_from_the_start_lists_nothing() {
    let folder = shop();
    folder.write("src/b.rs", "#[lucent_core::projector]\nfn b(");
    assert_eq!(scanned(&folder).functions, 2);
}

#[test]
fn a_damaged_cache_is_ignored() {
    let folder = shop();
    scanned(&folder);
    let before = folder.output(REGISTRY);
    let cache = folder.out().join("lucent_facts.cache");
    let whole = std::fs::read(&cache).unwrap();
    for damaged in [Vec::new(), vec![0xff; 100], whole[..whole.len() / 2].to_vec(), {
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        flipped
    }] {
        std::fs::write(&cache, damaged).unwrap();
        let summary = scanned(&folder);
        assert_eq!((summary.skimmed, summary.functions), (4, 3));
        assert_eq!(folder.output(REGISTRY), before);
    }
}

#[test]
fn a_missing_module_is_awaited_in_its_folder() {
    let folder = shop();
    folder.write("src/a.rs", "mod later;");
    let before = scanned(&folder);
    assert!(before.watched.contains(&folder.root().join("src")));
    folder.write(
        "src/a/later.rs",
        "#[lucent_core::projector]\nfn later(view: &mut View, event: &E) {}\n",
    );
    let after = scanned(&folder);
    assert_eq!((after.skimmed, after.functions), (1, 3));
    assert!(!after.watched.contains(&folder.root().join("src")));
}

#[cfg(unix)]
#[test]
fn links_in_circles_end() {
    let folder = shop();
    folder.write("src/a.rs", "mod a;");
    let circle = folder.root().join("src/a");
    std::os::unix::fs::symlink(folder.root().join("src"), circle).unwrap();
    assert_eq!(scanned(&folder).functions, 2);
}

#[test]
fn a_package_without_targets_has_an_empty_manifest() {
    let folder = Folder::of(&[]);
    let summary = scanned(&folder);
    assert_eq!((summary.files, summary.functions), (0, 0));
}
