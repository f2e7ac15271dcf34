//! What the macros accept and refuse, and in which words.
//!
//! `TRYBUILD=overwrite cargo test -p lucent-core ui` writes the expected words anew.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
