//! The integration tests of lucent-core, in one binary.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]
#![expect(unreachable_pub, reason = "domains are written as their owners would write them")]

#[cfg(test)]
mod app;
#[cfg(test)]
mod function;
mod macros;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod models;

#[test]
fn no_test_file_is_forgotten() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (folder, file) in [
        ("", "main.rs"),
        ("app", "app/mod.rs"),
        ("function", "function/mod.rs"),
        ("macros", "macros/mod.rs"),
        ("mesh", "mesh/mod.rs"),
        ("models", "models/mod.rs"),
    ] {
        let listed = std::fs::read_to_string(root.join(file)).unwrap();
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if !["main", "mod", "ui"].contains(&name) {
                assert!(listed.contains(&format!("mod {name};")), "{path:?}");
            }
        }
    }
}
