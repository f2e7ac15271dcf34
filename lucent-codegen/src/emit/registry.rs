//! The text of a registry.
//!
//! Invariant: every item repeats the conditions of its function; nothing is left out because of
//! the features of this build. No line numbers are written, so an edit that moves a function changes
//! nothing here.

use std::fmt::Write as _;

use lucent_syntax::FunctionKind;

use super::completeness::completeness;
use super::rendered::Rendered;
use crate::package::{Composed, Package, Target};
use crate::resolve::{Diagnostic, Listed, Model};

/// Writes the registry of a target.
pub(crate) fn registry(
    package: &Package,
    target: &Target,
    composed: &[Composed],
    model: &Model,
) -> Rendered {
    let mut rendered = Rendered::default();
    rendered.text.push_str(HEADER);
    rendered.text.push_str(MARKS);
    rendered.section(&model.functions, mark);
    let text = &mut rendered.text;
    text.push_str("}\n");
    types(text, package, composed);
    completeness(text, package, composed);
    let core = &package.core;
    text.push_str("/// The functions of this crate, sorted by name.\n");
    let _ = write!(text, "pub static FUNCTIONS: &[{core}::registry::Function] = &[");
    rendered.section(&model.functions, |text, listed| entry(text, package, target, listed));
    let text = &mut rendered.text;
    text.push_str(if model.functions.is_empty() { "];\n" } else { "\n];\n" });
    composition(text, package, composed);
    for diagnostic in &model.diagnostics {
        mistake(text, diagnostic);
    }
    rendered
}

fn mark(text: &mut String, listed: &Listed) {
    let Listed { mark, file, .. } = listed;
    let _ = writeln!(text, "    /// In {file}.");
    conditions(text, "    ", &listed.cfg);
    let _ = writeln!(text, "    pub struct {mark};");
    if listed.kind == FunctionKind::Function {
        // The table has its fingerprint.
        return;
    }
    conditions(text, "    ", &listed.cfg);
    let _ = writeln!(
        text,
        "    impl {mark} {{ pub const FINGERPRINT: u64 = {}; pub const FILE: &'static str = {}; }}",
        hexadecimal(listed.function.fingerprint),
        literal(file),
    );
}

fn types(text: &mut String, package: &Package, composed: &[Composed]) {
    let core = &package.core;
    text.push_str(TYPES);
    let _ = writeln!(text, "impl {core}::registry::Includes<Home> for Registry {{}}");
    let _ = writeln!(
        text,
        "impl {core}::registry::Includes<{core}::registry::Nothing> for Registry {{}}"
    );
    for dependency in composed {
        conditions(text, "", dependency.cfg.as_slice());
        let _ = writeln!(
            text,
            "impl {core}::registry::Includes<::{}::lucent_registry::Home> for Registry {{}}",
            dependency.crate_name
        );
    }
}

fn entry(text: &mut String, package: &Package, target: &Target, listed: &Listed) {
    let core = &package.core;
    text.push('\n');
    let indent = "    ";
    conditions(text, indent, &listed.cfg);
    let Listed { mark, file, .. } = listed;
    let _ = match listed.kind {
        FunctionKind::Function => write!(
            text,
            "{indent}{core}::registry::enlisted::<functions_found_by_build_rs::{mark}, {}>({}, {}, {}),",
            hexadecimal(listed.function.fingerprint),
            literal(&listed.function.name),
            literal(&listed.module_of(target)),
            literal(file),
        ),
        _ => write!(
            text,
            "{indent}{core}::registry::listed::<functions_found_by_build_rs::{mark}>(), // {file}",
        ),
    };
}

fn composition(text: &mut String, package: &Package, composed: &[Composed]) {
    let core = &package.core;
    let _ = writeln!(text, "static GROUPS: &[&[{core}::registry::Function]] = &[\n    FUNCTIONS,");
    for dependency in composed {
        conditions(text, "    ", dependency.cfg.as_slice());
        let _ = writeln!(text, "    ::{}::lucent_registry::FUNCTIONS,", dependency.crate_name);
    }
    text.push_str("];\n");
    if !composed.is_empty() {
        // It is a loop over all names; that is what may take long.
        let _ = writeln!(
            text,
            "#[allow(long_running_const_eval)]\nconst _: () = {core}::registry::names_are_unique(GROUPS);"
        );
    }
    // A static, for a slice of statics is not promoted to one in the body of a function.
    let _ = writeln!(
        text,
        "impl {core}::registry::Registry for Registry {{\n    \
         fn groups(&self) -> &'static [&'static [{core}::registry::Function]] {{ GROUPS }}\n}}"
    );
    text.push_str(
        "/// The registry of this crate.\n#[must_use]\npub const fn registry() -> Registry { Registry }\n",
    );
    let _ = writeln!(
        text,
        "/// The application type over this registry.\npub type App = {core}::App<Registry>;"
    );
}

fn mistake(text: &mut String, diagnostic: &Diagnostic) {
    conditions(text, "", &diagnostic.cfg);
    let _ = writeln!(text, "::core::compile_error!({});", literal(&diagnostic.message));
}

pub(super) fn conditions<'a>(
    text: &mut String,
    indent: &str,
    cfg: impl IntoIterator<Item = &'a String>,
) {
    for condition in cfg {
        let _ = writeln!(text, "{indent}#[cfg({condition})]");
    }
}

fn hexadecimal(number: u64) -> String {
    let digits = format!("{number:016x}");
    format!("0x{}_{}_{}_{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..])
}

fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            c if c.is_control() => literal.extend(c.escape_unicode()),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

const HEADER: &str = "\
// @generated by lucent-codegen. Do not edit: build.rs writes it anew.
";

const MARKS: &str = "\
/// The functions that build.rs found; each attribute claims its own.
#[doc(hidden)]
#[allow(non_camel_case_types, missing_docs, missing_debug_implementations, unreachable_pub, dead_code)]
pub mod functions_found_by_build_rs {
";

const TYPES: &str = "\
/// The mark of this crate: what its functions are found under.
#[derive(Clone, Copy, Debug)]
pub struct Home;
/// Every function of this crate and of the crates it composes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registry;
";
