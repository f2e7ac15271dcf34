//! Sources that are too much, or no sources at all: a scan ends, and says what it can.

use std::fmt::Write as _;

use lucent_codegen::{Package, Summary, outline, scan};

use crate::folder::Folder;

const REGISTRY: &str = "lucent_registry_lib_shop.rs";

const PROJECTOR: &str = "#[lucent_core::projector]\nfn fine(view: &mut View, event: &E) {}\n";

fn scanned(folder: &Folder) -> Summary {
    scan(&Package::conventional("shop", folder.root()), &folder.out()).unwrap()
}

#[test]
fn ten_thousand_functions_in_a_file_of_a_hundred_thousand_lines_are_all_listed() {
    let mut text = String::from("use lucent_core::prelude::*;\nlucent_core::registry!();\n");
    for index in 0..10_000 {
        let body = "    let view = view;\n".repeat(6);
        write!(
            text,
            "/// Number {index}.\n#[projector(name = \"p{index}\")]\nfn p{index}(view: &mut View, event: &E) {{\n{body}}}\n\n"
        )
        .unwrap();
    }
    assert!(text.lines().count() > 100_000);
    let folder = Folder::of(&[("src/lib.rs", &text)]);
    let summary = scanned(&folder);
    assert_eq!((summary.functions, summary.mistakes), (10_000, 0));
    let registry = folder.output(REGISTRY);
    assert!(registry.contains("pub struct p0;") && registry.contains("pub struct p9999;"));
    let last = &outline(&Package::conventional("shop", folder.root())).functions[9_999];
    assert_eq!((last.name.as_str(), last.line), ("p9999", 2 + 9_999 * 11 + 3));
}

#[test]
fn a_file_that_is_no_text_lists_nothing_and_hides_nobody_else() {
    let folder = Folder::of(&[
        ("src/lib.rs", "mod fine;\nmod bytes;\nmod nul;\nmod empty;\n"),
        ("src/fine.rs", PROJECTOR),
        ("src/nul.rs", "\u{0}\u{0}#[lucent_core::projector]\nfn nul() {}"),
        ("src/empty.rs", ""),
        ("src/bytes.rs", ""),
    ]);
    std::fs::write(folder.root().join("src/bytes.rs"), [0xff, 0xfe, b'f', b'n', 0x80]).unwrap();
    let summary = scanned(&folder);
    assert_eq!((summary.files, summary.functions), (5, 1));
}

#[test]
fn a_folder_in_place_of_a_file_is_a_missing_file() {
    let folder = Folder::of(&[
        ("src/lib.rs", "mod fine;\nmod folder;\n"),
        ("src/fine.rs", PROJECTOR),
        ("src/folder.rs/inner.rs", PROJECTOR),
    ]);
    assert_eq!(scanned(&folder).functions, 1);
    let outline = outline(&Package::conventional("shop", folder.root()));
    assert_eq!(outline.missing, [folder.root().join("src/folder.rs")]);
}

#[cfg(unix)]
#[test]
fn a_link_to_itself_is_a_missing_file() {
    let folder =
        Folder::of(&[("src/lib.rs", "mod fine;\nmod itself;\n"), ("src/fine.rs", PROJECTOR)]);
    let link = folder.root().join("src/itself.rs");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert_eq!(scanned(&folder).functions, 1);
    let outline = outline(&Package::conventional("shop", folder.root()));
    assert_eq!(outline.missing, [link]);
}

#[test]
fn nesting_without_end_is_no_crash() {
    for (open, close) in [("(", ")"), ("{", "}"), ("mod m {", "}"), ("/*", "*/"), ("<", ">")] {
        let deep = format!("{}{}", open.repeat(50_000), close.repeat(50_000));
        let in_signature =
            format!("#[lucent_core::projector]\nfn deep(x: {deep}) {{ {deep} }}\n{deep}");
        let folder = Folder::of(&[
            ("src/lib.rs", "mod fine;\nmod deep;\n"),
            ("src/fine.rs", PROJECTOR),
            ("src/deep.rs", &in_signature),
        ]);
        assert!(scanned(&folder).functions >= 1, "{open}");
        assert!(folder.output(REGISTRY).contains("pub struct fine;"), "{open}");
    }
}
