//! What the compiler says when something is missing, hidden, doubled or broken.

use super::project::{BUILD, DOMAIN, HANDLER, MAIN, Project, manifest, member, says};

#[test]
fn a_command_without_a_handler_is_an_error_that_names_the_function_to_write() {
    let project =
        Project::binary("unhandled", &format!("lucent_core::registry!();\n{DOMAIN}{MAIN}"));
    says(
        &project.mistake(),
        &["nothing handles the command `Switch`", "#[command_handler] fn name(", "src/main.rs:"],
    );
}

#[test]
fn a_function_that_a_macro_makes_is_missed_and_reported_at_its_name() {
    let hidden = format!(
        "macro_rules! hide {{ ($($item:item)*) => {{ $($item)* }} }}\nhide! {{ {HANDLER} }}"
    );
    let project =
        Project::binary("missed", &format!("lucent_core::registry!();\n{DOMAIN}{hidden}{MAIN}"));
    says(&project.mistake(), &["`switch`", "functions_found_by_build_rs", "fn switch(lamp"]);
}

#[test]
fn a_function_that_another_macro_owns_is_listed_and_reported() {
    // `projector` here is not Lucent's, and the scanner cannot know: a glob may bring it in.
    let project = Project::of(&[
        ("Cargo.toml", &manifest("ghostly", "", "other = { path = \"other\" }\n")),
        (
            "other/Cargo.toml",
            "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
        ),
        (
            "other/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro_attribute]\npub fn projector(_: TokenStream, item: TokenStream) -> TokenStream { item }\n",
        ),
        ("build.rs", BUILD),
        (
            "src/main.rs",
            &format!(
                "lucent_core::registry!();\n{DOMAIN}{HANDLER}{MAIN}\nmod slides {{ use other::*;\n#[projector]\npub fn ghosts() {{}}\n}}"
            ),
        ),
    ]);
    says(
        &project.mistake(),
        &[
            "`ghosts` was found by build.rs, but the compiler has not seen its attribute",
            "src/main.rs",
        ],
    );
}

#[test]
fn two_functions_of_one_name_are_an_error_that_names_both_places() {
    let again = HANDLER.replace("&Switch", "&Flip");
    let main = format!(
        "lucent_core::registry!();\n{DOMAIN}{HANDLER}
mod second {{
    use super::*;
    #[derive(Debug, Command)]
    #[command(aggregate = Lamp)]
    pub struct Flip {{ #[id] pub lamp: LampId, pub on: bool }}
    {again}
}}
{MAIN}"
    );
    let errors = Project::binary("doubled", &main).mistake();
    says(&errors, &["`switch`", "name = \"…\"", "src/main.rs:27", "src/main.rs:38"]);
}

#[test]
fn a_syntax_error_is_reported_by_rustc() {
    let project = Project::binary(
        "broken",
        &format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}{MAIN}\nfn broken( {{"),
    );
    says(&project.mistake(), &["error: ", "src/main.rs:"]);
}

#[test]
fn a_library_that_does_not_opt_in_is_named_at_the_call() {
    let project = Project::of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\", \"lamps\"]\nresolver = \"3\"\n[profile.dev]\ndebug = false\n",
        ),
        ("lamps/Cargo.toml", &member("closed_lamps", "", "")),
        ("lamps/build.rs", BUILD),
        ("lamps/src/lib.rs", &format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}")),
        ("app/Cargo.toml", &member("closed_app", "", "closed_lamps = { path = \"../lamps\" }\n")),
        ("app/build.rs", BUILD),
        (
            "app/src/main.rs",
            &format!(
                "use closed_lamps::*;\nuse lucent_core::prelude::*;\nlucent_core::registry!();\n{}",
                MAIN.replace("registry()", "crate::registry()")
            ),
        ),
    ]);
    says(
        &project.mistake(),
        &[
            "registry does not include the crate that handles this",
            "[package.metadata.lucent]",
            "registry = true",
        ],
    );
}

#[test]
fn a_package_without_a_build_script_is_told_to_have_one() {
    let project = Project::of(&[
        ("Cargo.toml", &manifest("scriptless", "", "")),
        ("src/main.rs", &format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}{MAIN}")),
    ]);
    says(&project.mistake(), &["build.rs", "lucent_codegen::build()"]);
}

#[test]
fn a_crate_without_its_registry_is_told_so_at_the_function() {
    let project = Project::binary(
        "unregistered",
        &format!("{DOMAIN}{HANDLER}{}", MAIN.replace("registry()", "todo()")),
    );
    says(&project.mistake(), &["lucent_registry", "fn switch(lamp"]);
}

/// A library that opts in, with a handler, and an application that depends on a library which
/// composes it.
fn with_a_library_in_the_middle(name: &str, app_dependencies: &str) -> Project {
    let opts_in = "[package.metadata.lucent]\nregistry = true\n";
    let (lamps, house, app) =
        (format!("{name}_lamps"), format!("{name}_house"), format!("{name}_app"));
    let main = MAIN.replace("registry()", "crate::registry()");
    Project::of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\", \"house\", \"lamps\"]\nresolver = \"3\"\n[profile.dev]\ndebug = false\n",
        ),
        ("lamps/Cargo.toml", &member(&lamps, opts_in, "")),
        ("lamps/build.rs", BUILD),
        ("lamps/src/lib.rs", &format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}")),
        (
            "house/Cargo.toml",
            &member(&house, opts_in, &format!("{lamps} = {{ path = \"../lamps\" }}\n")),
        ),
        ("house/build.rs", BUILD),
        ("house/src/lib.rs", &format!("lucent_core::registry!();\npub use {lamps}::*;\n")),
        (
            "app/Cargo.toml",
            &member(&app, "", &format!("{house} = {{ path = \"../house\" }}\n{app_dependencies}")),
        ),
        ("app/build.rs", BUILD),
        (
            "app/src/main.rs",
            &format!(
                "use {house}::{{Lamp, LampId, Switch}};\nuse lucent_core::prelude::*;\nlucent_core::registry!();\n{main}"
            ),
        ),
    ])
}

#[test]
fn a_crate_that_is_a_dependency_of_a_dependency_only_is_named_with_what_to_add() {
    let project = with_a_library_in_the_middle("indirect", "");
    says(
        &project.mistake(),
        &[
            "leaves out a crate that one of its dependencies composes",
            "indirect_lamps::lucent_registry::Home",
            "indirect_house::lucent_registry::is_whole",
            "add that crate to `[dependencies]`",
        ],
    );
}

#[test]
fn a_crate_that_is_a_direct_dependency_too_is_composed() {
    let project =
        with_a_library_in_the_middle("direct", "direct_lamps = { path = \"../lamps\" }\n");
    assert_eq!(project.run(&["-p", "direct_app"]), "switched 1 and 0\n");
}

#[test]
fn a_name_that_two_crates_claim_is_an_error_that_names_both_places() {
    let opts_in = "[package.metadata.lucent]\nregistry = true\n";
    let fees = "lucent_core::registry!();\npub mod fees {\n    use lucent_core::prelude::*;\n    #[function]\n    pub fn fee(price: &u64) -> u64 { price / 100 }\n}\n";
    let project = |name: &str, market: &str| {
        let (desk, market_name) = (format!("{name}_desk"), format!("{name}_market"));
        let dependencies = format!(
            "{desk} = {{ path = \"../desk\" }}\n{market_name} = {{ path = \"../market\" }}\n"
        );
        Project::of(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"app\", \"desk\", \"market\"]\nresolver = \"3\"\n[profile.dev]\ndebug = false\n",
            ),
            ("desk/Cargo.toml", &member(&desk, opts_in, "")),
            ("desk/build.rs", BUILD),
            ("desk/src/lib.rs", fees),
            ("market/Cargo.toml", &member(&market_name, opts_in, "")),
            ("market/build.rs", BUILD),
            ("market/src/lib.rs", market),
            ("app/Cargo.toml", &member(&format!("{name}_app"), "", &dependencies)),
            ("app/build.rs", BUILD),
            (
                "app/src/main.rs",
                "lucent_core::registry!();\nfn main() {\n    use lucent_core::registry::Registry as _;\n    println!(\"{}\", registry().functions().count());\n}\n",
            ),
        ])
    };
    says(
        &project("claimed", fees).mistake(),
        &[
            "two crates of this application claim the name `fee`",
            "`claimed_desk::fees` in src/lib.rs and `claimed_market::fees` in src/lib.rs",
            "`name = \"…\"` in its attribute",
        ],
    );
    let market = fees.replace("#[function]", "#[function(name = \"market_fee\")]");
    assert_eq!(project("unclaimed", &market).run(&["-p", "unclaimed_app"]), "2\n");
}
