//! The shapes of packages that work.

use std::time::SystemTime;

use super::project::{BUILD, DOMAIN, HANDLER, MAIN, Project, checkout, manifest, member, target};

const SWITCHED: &str = "switched 1 and 0\n";

#[test]
fn a_single_binary_with_its_domain_in_a_module() {
    let main = format!(
        "mod home {{ pub mod lamp; }}\nuse home::lamp::*;\nuse lucent_core::prelude::*;\nlucent_core::registry!();\n{MAIN}"
    );
    let project = Project::binary("single", &main);
    project.write("src/home/lamp.rs", &format!("{DOMAIN}{HANDLER}"));
    assert_eq!(project.run(&[]), SWITCHED);
}

#[test]
fn a_workspace_whose_domain_is_a_library_and_whose_names_are_all_renamed() {
    let root = checkout();
    let root = root.display();
    let app = format!(
        r#"
[package]
name = "renamed_app"
version = "0.1.0"
edition = "2024"

[dependencies]
lucent = {{ package = "lucent-core", path = "{root}/lucent-core" }}
lighting = {{ package = "renamed_lamps", path = "../lamps" }}
tokio = {{ version = "1", features = ["macros", "rt"] }}

[build-dependencies]
generator = {{ package = "lucent-codegen", path = "{root}/lucent-codegen" }}
"#
    );
    let project = Project::of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\", \"lamps\"]\nresolver = \"3\"\n[profile.dev]\ndebug = false\n",
        ),
        (
            "lamps/Cargo.toml",
            &member("renamed_lamps", "[package.metadata.lucent]\nregistry = true\n", ""),
        ),
        ("lamps/build.rs", BUILD),
        ("lamps/src/lib.rs", &format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}")),
        ("app/Cargo.toml", &app),
        ("app/build.rs", "fn main() { generator::build(); }"),
        (
            "app/src/main.rs",
            &format!(
                "use lucent::prelude::*;\nuse lighting::*;\nlucent::registry!();\n{}",
                MAIN.replace("registry()", "crate::registry()")
            ),
        ),
    ]);
    assert_eq!(project.run(&["-p", "renamed_app"]), SWITCHED);
}

#[test]
fn a_function_behind_a_feature_is_in_the_registry_with_the_feature_only() {
    let main = format!(
        "lucent_core::registry!();\n{DOMAIN}{HANDLER}
#[cfg(feature = \"extra\")]
mod extra {{
    use super::*;
    #[derive(Debug, Command)]
    #[command(aggregate = Lamp)]
    pub struct Blink {{ #[id] pub lamp: LampId }}
    #[command_handler]
    fn blink(lamp: &Lamp, _: &Blink) -> LampEvent {{ LampEvent::LampSwitched {{ on: !lamp.on }} }}
}}
fn main() {{
    use lucent_core::registry::Registry as _;
    let names: Vec<_> = registry().functions().map(|function| function.name).collect();
    println!(\"{{names:?}}\");
}}"
    );
    let project = Project::of(&[
        ("Cargo.toml", &manifest("featured", "[features]\nextra = []\n", "")),
        ("build.rs", BUILD),
        ("src/main.rs", &main),
    ]);
    assert_eq!(project.run(&[]), "[\"switch\"]\n");
    assert_eq!(project.run(&["--features", "extra"]), "[\"blink\", \"switch\"]\n");
}

#[test]
fn an_unrelated_edit_does_not_touch_the_registry() {
    let main = format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}{MAIN}");
    let project = Project::of(&[
        ("Cargo.toml", &manifest("untouched", "", "")),
        ("build.rs", BUILD),
        ("src/main.rs", &main),
    ]);
    assert_eq!(project.run(&[]), SWITCHED);
    let before = registry_time("untouched");
    project.write("src/main.rs", &format!("// A comment above everything.\n{main}"));
    assert_eq!(project.run(&[]), SWITCHED);
    assert_eq!(registry_time("untouched"), before);
}

/// When the registry of a package was written.
fn registry_time(package: &str) -> SystemTime {
    let name = format!("lucent_registry_bin_{package}.rs");
    let builds = std::fs::read_dir(target().join("debug/build")).unwrap();
    let found =
        builds.filter_map(|build| build.unwrap().path().join("out").join(&name).metadata().ok());
    found.map(|file| file.modified().unwrap()).max().unwrap()
}
