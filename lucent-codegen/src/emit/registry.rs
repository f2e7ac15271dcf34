//! The text of a registry.
//!
//! Invariant: every item repeats the conditions of its function; nothing is left out because of
//! the features of this build. No line numbers are written, so an edit that moves a function changes
//! nothing here.

use std::fmt::Write as _;

use lucent_syntax::FunctionKind;

use super::calls::calls;
use super::completeness::completeness;
use super::ids::{composed_ids, ids};
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
    let is_function = |listed: &Listed| listed.kind == FunctionKind::Function;
    let mut rendered = Rendered::default();
    rendered.text.push_str(HEADER);
    rendered.text.push_str(MARKS);
    rendered.section(&model.functions, mark);
    rendered.text.push_str(AS_READ);
    rendered.section(&model.functions, |text, listed| {
        if is_function(listed) && listed.cfg.is_empty() {
            let _ = write!(text, "\n        {},", as_read(listed));
        }
    });
    rendered.text.push_str("\n    };\n");
    rendered.section(&model.functions, |text, listed| {
        if is_function(listed) && !listed.cfg.is_empty() {
            conditions(text, "    ", &listed.cfg);
            let _ = writeln!(
                text,
                "    pub use super::functions_found_by_build_rs::{};",
                as_read(listed)
            );
        }
    });
    let text = &mut rendered.text;
    text.push_str("}\n");
    types(text, package, composed);
    completeness(text, package, composed);
    let core = &package.core;
    text.push_str("/// The handlers and projectors of this crate, sorted by name.\n");
    let _ = writeln!(text, "pub static FUNCTIONS: &[{core}::registry::Function] = &[");
    rendered.section(&model.functions, |text, listed| {
        if !is_function(listed) {
            entry(text, package, listed);
        }
    });
    let text = &mut rendered.text;
    text.push_str("];\n");
    // A static, a call for each, or a list in a function that is not generic would be evaluated whenever the crate
    // is checked, which is dear for thousands.
    text.push_str("/// Each `#[function]` of this crate, sorted by name.\n#[must_use]\n");
    let _ = writeln!(
        text,
        "pub const fn functions() -> &'static [{core}::registry::Function] {{\n    \
         #[allow(unused_imports, reason = \"there may be no function\")]\n    \
         use functions_found_by_build_rs as f;\n    \
         #[allow(unused_imports, reason = \"there may be no function\")]\n    \
         use {core}::registry::{{Enlists as E, Function as F, FunctionKind::Function as K}};\n    \
         {GENERIC}const fn table<T>() -> &'static [F] {{ &["
    );
    rendered.section(&model.functions, |text, listed| {
        if is_function(listed) {
            routed(text, target, listed);
        }
    });
    let text = &mut rendered.text;
    text.push_str("    ] }\n    table::<()>()\n}\n");
    composition(text, package, composed);
    ids(&mut rendered, package, model);
    composed_ids(&mut rendered.text, package, composed);
    calls(&mut rendered, package, model);
    let text = &mut rendered.text;
    for diagnostic in &model.diagnostics {
        mistake(text, diagnostic);
    }
    rendered
}

fn mark(text: &mut String, listed: &Listed) {
    let Listed { mark, file, .. } = listed;
    docs(text, "    ", listed);
    conditions(text, "    ", &listed.cfg);
    if listed.kind == FunctionKind::Function {
        // It has no value, and so no constructor in the way of the function.
        let _ = writeln!(text, "    pub enum {mark} {{}}");
        return;
    }
    let _ = writeln!(text, "    pub struct {mark};");
    conditions(text, "    ", &listed.cfg);
    let _ = writeln!(
        text,
        "    impl {mark} {{ pub const FINGERPRINT: u64 = {}; pub const FILE: &'static str = {}; }}",
        hexadecimal(listed.function.fingerprint),
        literal(file),
    );
}

/// A `#[function]` under a name with its fingerprint: one that changed since does not find itself.
fn as_read(listed: &Listed) -> String {
    format!("{0} as {0}_{1:016x}", listed.mark, listed.function.fingerprint)
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

fn entry(text: &mut String, package: &Package, listed: &Listed) {
    let core = &package.core;
    let Listed { mark, file, cfg, .. } = listed;
    conditions(text, "    ", cfg);
    let _ = writeln!(
        text,
        "    {core}::registry::listed::<functions_found_by_build_rs::{mark}>(), // {file}",
    );
}

fn routed(text: &mut String, target: &Target, listed: &Listed) {
    conditions(text, "        ", &listed.cfg);
    let _ = writeln!(
        text,
        "        F {{ name: {}, module: {}, file: {}, line: 0, kind: K {{ enlist: <f::{} as E>::enlist }} }},",
        literal(&listed.function.name),
        literal(&listed.module_of(target)),
        literal(&listed.file),
        listed.mark,
    );
}

fn composition(text: &mut String, package: &Package, composed: &[Composed]) {
    let core = &package.core;
    let groups = |text: &mut String, indent: &str| {
        let _ = writeln!(text, "{indent}FUNCTIONS,\n{indent}functions(),");
        for dependency in composed {
            for part in ["FUNCTIONS", "functions()"] {
                conditions(text, indent, dependency.cfg.as_slice());
                let _ =
                    writeln!(text, "{indent}::{}::lucent_registry::{part},", dependency.crate_name);
            }
        }
    };
    if !composed.is_empty() {
        // It is a loop over all names; that is what may take long.
        let _ = writeln!(
            text,
            "#[allow(long_running_const_eval, reason = \"there may be thousands of names\")]\nconst _: () = {core}::registry::names_are_unique(&["
        );
        groups(text, "    ");
        text.push_str("]);\n");
    }
    let _ = writeln!(
        text,
        "impl {core}::registry::Registry for Registry {{\n    \
         fn groups(&self) -> ::std::vec::Vec<&'static [{core}::registry::Function]> {{\n        \
         ::std::convert::From::from(["
    );
    groups(text, "            ");
    text.push_str("        ])\n    }\n}\n");
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

/// The first line of the function's documentation, and its file.
pub(super) fn docs(text: &mut String, indent: &str, listed: &Listed) {
    let Listed { function, file, .. } = listed;
    if !function.docs.is_empty() {
        let _ = writeln!(text, "{indent}/// {}\n{indent}///", function.docs.replace('\r', " "));
    }
    let _ = writeln!(text, "{indent}/// In {file}.");
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

pub(super) fn literal(text: &str) -> String {
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

/// Goes before a table, whose type parameter makes it a function that check does not evaluate.
pub(super) const GENERIC: &str = "#[allow(clippy::extra_unused_type_parameters, reason = \"a table is evaluated when \
    it is asked for\")] ";

const HEADER: &str = "\
// @generated by lucent-codegen. Do not edit: build.rs writes it anew.
";

const MARKS: &str = "\
/// The functions that build.rs found; each attribute claims its own.
#[doc(hidden)]
#[allow(
    non_camel_case_types, missing_docs, missing_debug_implementations, unreachable_pub, dead_code, rustdoc::all,
    reason = \"they stand for functions, under their names and with their docs\"
)]
pub mod functions_found_by_build_rs {
";

const AS_READ: &str = "\
}
/// The same, with the fingerprints of attribute and signature; each attribute finds its own.
#[doc(hidden)]
#[allow(unused_imports, unreachable_pub, reason = \"a function that is not compiled finds itself nowhere\")]
pub mod functions_as_build_rs_read_them {
    pub use super::functions_found_by_build_rs::{";

const TYPES: &str = "\
/// The mark of this crate: what its functions are found under.
#[derive(Clone, Copy, Debug)]
pub struct Home;
/// Every function of this crate and of the crates it composes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registry;
";
