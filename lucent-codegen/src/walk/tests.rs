//! Module resolution, straight from the Reference, in memory.

use std::collections::BTreeMap;

use crate::skim::skim;

use super::*;

/// A tree of files given as text.
#[derive(Default)]
struct Memory {
    files: BTreeMap<PathBuf, Rc<Scope>>,
    /// Symbolic links: a folder that is another one.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Memory {
    fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| (PathBuf::from(path), Rc::new(skim(text).unwrap())))
            .collect();
        Self { files, links: Vec::new() }
    }
}

impl Sources for Memory {
    fn facts(&mut self, file: &Path) -> Option<Rc<Scope>> {
        self.files.get(&self.identity(file)).cloned()
    }

    fn identity(&self, file: &Path) -> PathBuf {
        let mut path = PathBuf::new();
        for component in file.components() {
            match component.as_os_str().to_str() {
                Some("..") => {
                    path.pop();
                }
                _ => path.push(component),
            }
            if let Some((_, target)) = self.links.iter().find(|(link, _)| *link == path) {
                path.clone_from(target);
            }
        }
        path
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.starts_with(path) && file != path)
    }
}

fn walked(files: &[(&str, &str)]) -> Tree {
    let environment = Environment::of(&[("CARGO_CFG_TARGET_OS", "linux"), ("CARGO_CFG_UNIX", "")]);
    walk(Path::new("/src/lib.rs"), Path::new("/out"), &environment, &mut Memory::of(files))
}

/// `module file [cfg] functions` for each module that has some.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let mut found: Vec<String> = walked(files)
        .scopes
        .iter()
        .map(|mounted| {
            let names: Vec<_> = mounted.functions.iter().map(|f| f.ident.as_str()).collect();
            let cfg = mounted.cfg.join(" & ");
            format!(
                "{} {} [{cfg}] {}",
                mounted.module.join("::"),
                mounted.file.display(),
                names.join(",")
            )
        })
        .collect();
    found.sort();
    found
}

const F: &str = "#[projector] fn f() {}";

#[track_caller]
fn check(declarations: &[(&str, &str)], module: &str, file: &str) {
    let mut files = declarations.to_vec();
    files.push((file, F));
    assert_eq!(found(&files), [format!("{module} {file} [] f")]);
}

#[test]
fn modules_of_a_root_stand_beside_it() {
    check(&[("/src/lib.rs", "mod a;")], "a", "/src/a.rs");
    check(&[("/src/lib.rs", "mod a;")], "a", "/src/a/mod.rs");
    check(&[("/src/lib.rs", "mod r#type;")], "type", "/src/type.rs");
}

#[test]
fn modules_of_a_named_file_stand_in_its_folder() {
    let files = [("/src/lib.rs", "mod a;"), ("/src/a.rs", "mod b;")];
    check(&files, "a::b", "/src/a/b.rs");
    check(&files, "a::b", "/src/a/b/mod.rs");
    let files = [("/src/lib.rs", "mod a;"), ("/src/a/mod.rs", "mod b;")];
    check(&files, "a::b", "/src/a/b.rs");
    let files = [("/src/lib.rs", "mod a;"), ("/src/a.rs", "mod b;"), ("/src/a/b.rs", "mod c;")];
    check(&files, "a::b::c", "/src/a/b/c.rs");
}

#[test]
fn inline_modules_are_folders() {
    check(&[("/src/lib.rs", "mod a { mod b; }")], "a::b", "/src/a/b.rs");
    let named = [("/src/lib.rs", "mod a;"), ("/src/a.rs", "mod b { mod c { mod d; } }")];
    check(&named, "a::b::c::d", "/src/a/b/c/d.rs");
    let owning = [("/src/lib.rs", "mod a;"), ("/src/a/mod.rs", "mod b { mod c; }")];
    check(&owning, "a::b::c", "/src/a/b/c.rs");
}

#[test]
fn a_path_starts_at_the_folder_of_its_file() {
    check(&[("/src/lib.rs", "#[path = \"foo.rs\"] mod c;")], "c", "/src/foo.rs");
    let named = [("/src/lib.rs", "mod a;"), ("/src/a.rs", "#[path = \"foo.rs\"] mod c;")];
    check(&named, "a::c", "/src/foo.rs");
    let owning = [("/src/lib.rs", "mod a;"), ("/src/a/mod.rs", "#[path = \"foo.rs\"] mod c;")];
    check(&owning, "a::c", "/src/a/foo.rs");
}

#[test]
fn a_path_in_an_inline_module_starts_at_its_folder() {
    let named = [
        ("/src/lib.rs", "mod a;"),
        ("/src/a.rs", "mod inline { #[path = \"other.rs\"] mod inner; }"),
    ];
    check(&named, "a::inline::inner", "/src/a/inline/other.rs");
    let owning = [
        ("/src/lib.rs", "mod a;"),
        ("/src/a/mod.rs", "mod inline { #[path = \"other.rs\"] mod inner; }"),
    ];
    check(&owning, "a::inline::inner", "/src/a/inline/other.rs");
}

#[test]
fn a_path_on_an_inline_module_is_its_folder() {
    check(
        &[(
            "/src/lib.rs",
            "#[path = \"thread_files\"] mod thread { #[path = \"tls.rs\"] mod local; }",
        )],
        "thread::local",
        "/src/thread_files/tls.rs",
    );
    let named = [("/src/lib.rs", "mod a;"), ("/src/a.rs", "#[path = \"x\"] mod b { mod c; }")];
    check(&named, "a::b::c", "/src/x/c.rs");
}

#[test]
fn a_file_reached_by_path_owns_its_folder() {
    let files =
        [("/src/lib.rs", "#[path = \"deep/foo.rs\"] mod c;"), ("/src/deep/foo.rs", "mod d;")];
    check(&files, "c::d", "/src/deep/d.rs");
    let files = [
        ("/src/lib.rs", "#[path = \"../shared/foo.rs\"] mod c;"),
        ("/shared/foo.rs", "mod d { mod e; }"),
    ];
    assert_eq!(
        found(&[files[0], files[1], ("/shared/d/e.rs", F)]),
        ["c::d::e /src/../shared/d/e.rs [] f"]
    );
}

#[test]
fn twins_under_conditions_are_two_modules() {
    let files = [
        (
            "/src/lib.rs",
            "#[cfg(unix)] #[path = \"unix.rs\"] mod os; #[cfg(windows)] #[path = \"windows.rs\"] mod os;",
        ),
        ("/src/unix.rs", F),
        ("/src/windows.rs", F),
    ];
    assert_eq!(found(&files), ["os /src/unix.rs [unix] f", "os /src/windows.rs [windows] f"]);
}

#[test]
fn conditional_paths_exclude_each_other() {
    let files = [
        (
            "/src/lib.rs",
            "#[cfg_attr(unix, path = \"u.rs\")] #[cfg_attr(windows, path = \"w.rs\")] mod os;",
        ),
        ("/src/u.rs", F),
        ("/src/w.rs", F),
        ("/src/os.rs", F),
    ];
    assert_eq!(
        found(&files),
        [
            "os /src/os.rs [not(unix) & not(windows)] f",
            "os /src/u.rs [unix] f",
            "os /src/w.rs [not(unix) & windows] f",
        ]
    );
}

#[test]
fn conditions_stack_up() {
    let files = [
        ("/src/lib.rs", "#![cfg(a)] #[cfg(b)] mod x { #![cfg(c)] #[cfg(d)] mod y; }"),
        ("/src/x/y.rs", "#![cfg(e)] #[cfg(f)] #[projector] fn f() {}"),
    ];
    let tree = walked(&files);
    assert_eq!(tree.scopes[0].cfg, ["a", "b", "c", "d", "e"]);
    assert_eq!(tree.scopes[0].functions[0].cfg, ["f"]);
}

#[test]
fn included_files_belong_to_the_module() {
    let files = [
        ("/src/lib.rs", "use lucent_core::projector; mod a { include!(\"parts/b.rs\"); }"),
        ("/src/parts/b.rs", "use x::*; #[projector] fn f() {} mod c; include!(\"d.rs\");"),
        ("/src/parts/c.rs", F),
        ("/src/parts/d.rs", F),
    ];
    assert_eq!(
        found(&files),
        ["a /src/parts/b.rs [] f", "a /src/parts/d.rs [] f", "a::c /src/parts/c.rs [] f",]
    );
    let tree = walked(&files);
    assert!(tree.scopes.iter().all(|mounted| {
        mounted.module.len() == 2 || mounted.imports.iter().any(|import| import.name == "*")
    }));
}

#[test]
fn a_missing_file_is_awaited_unless_its_condition_fails() {
    let files = [(
        "/src/lib.rs",
        "mod gone; #[cfg(windows)] mod never { mod x; } #[path = \"sub/x.rs\"] mod other;",
    )];
    let awaited = walked(&files).awaited;
    assert_eq!(awaited, BTreeSet::from([PathBuf::from("/src")]));
    assert!(walked(&[("/src/lib.rs", "#[cfg(windows)] mod x;")]).awaited.is_empty());
    assert!(walked(&[]).files.is_empty());
}

#[test]
fn files_that_contain_themselves_end() {
    let files = [(
        "/src/lib.rs",
        "#[path = \"lib.rs\"] mod a; include!(\"lib.rs\"); #[projector] fn f() {}",
    )];
    assert_eq!(found(&files), [" /src/lib.rs [] f"]);
}

#[test]
fn linked_folders_end() {
    let mut memory = Memory::of(&[
        ("/src/lib.rs", "mod a;"),
        ("/src/a/mod.rs", "mod a; #[projector] fn f() {}"),
    ]);
    memory.links.push(("/src/a/a".into(), "/src/a".into()));
    let tree =
        walk(Path::new("/src/lib.rs"), Path::new("/out"), &Environment::default(), &mut memory);
    assert_eq!(tree.scopes.len(), 1);
}

#[test]
fn a_file_mounted_twice_counts_twice() {
    let files =
        [("/src/lib.rs", "#[path = \"x.rs\"] mod a; #[path = \"x.rs\"] mod b;"), ("/src/x.rs", F)];
    assert_eq!(found(&files), ["a /src/x.rs [] f", "b /src/x.rs [] f"]);
}

#[test]
fn the_root_says_whether_it_has_a_registry() {
    assert!(walked(&[("/src/lib.rs", "lucent_core::registry!();")]).registry);
    assert!(!walked(&[("/src/lib.rs", "mod a { registry!(); }")]).registry);
}
