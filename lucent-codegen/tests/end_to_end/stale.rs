//! A registry that is older than the sources, because cargo did not run build.rs again.
//!
//! Invariant: a function that is compiled in another form than the registry lists is a compile error.

use super::project::{BUILD, DOMAIN, HANDLER, MAIN, Project, says};

const FEE: &str = "#[function]\nfn fee(_: &u64) -> u64 { 100 }\n";

/// What rustc says of sources that changed behind the back of cargo after a build.
fn after(name: &str, from: &str, to: &str) -> (Project, String) {
    let main = format!("lucent_core::registry!();\n{DOMAIN}{HANDLER}{FEE}{MAIN}");
    assert!(main.contains(from));
    let project = Project::binary(name, &main);
    assert_eq!(project.run(&[]), "switched 1 and 0\n");
    project.write_unnoticed("src/main.rs", &main.replace(from, to));
    let errors = project.mistake_when_compiled_again();
    (project, errors)
}

#[test]
fn a_handler_that_changed_after_the_scan_is_told_to_build_again() {
    let named = "#[command_handler(name = \"switch\")]";
    let (project, errors) = after("stale_handler", "#[command_handler]", named);
    says(
        &errors,
        &[
            "`switch` changed after build.rs scanned it: touch build.rs, build again, and make sure that build.rs calls",
            "src/main.rs:26",
        ],
    );
    // Nothing else is said, and the advice helps.
    assert_eq!(errors.matches("error[").count(), 1, "{errors}");
    project.write("build.rs", BUILD);
    assert_eq!(project.run(&[]), "switched 1 and 0\n");
}

#[test]
fn a_function_that_changed_after_the_scan_is_told_to_build_again() {
    let (_, errors) = after("stale_function", "fee(_: &u64)", "fee(_: &u32)");
    says(
        &errors,
        &["no `fee_", "in `lucent_registry::functions_as_build_rs_read_them`", "src/main.rs:31"],
    );
}

#[test]
fn a_function_that_came_after_the_scan_is_reported_at_its_name() {
    let late = format!("{FEE}#[function]\nfn late(_: &u64) -> u64 {{ 1 }}\n");
    let (_, errors) = after("stale_late", FEE, &late);
    says(&errors, &["no `late_", "src/main.rs:33"]);
    assert_eq!(errors.matches("error[").count(), 1, "{errors}");
}

#[test]
fn a_function_that_went_after_the_scan_is_reported_with_its_file() {
    let (_, errors) = after("stale_gone", FEE, "");
    says(
        &errors,
        &[
            "`fee` was found by build.rs, but the compiler has not seen its attribute",
            "\"src/main.rs\"",
        ],
    );
}
