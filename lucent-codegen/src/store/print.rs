//! The fingerprint of a file's facts.
//!
//! Invariant: facts that differ in more than lines have different prints. Lines do not count, for
//! no output but the text of a mistake has them. Facts of one frame mount the same files in the same places.

use super::codec::{Record, hash, record};
use crate::skim::Scope;

/// Facts without their lines, as a hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Print {
    facts: u64,
    length: u64,
    /// What is left without functions and imports, which concern this file only.
    pub(super) frame: u64,
}

impl Print {
    /// Hashes facts; they are the same afterwards.
    pub(super) fn of(facts: &mut Scope) -> Self {
        let mut lines = Vec::new();
        exchange(facts, &mut |line| {
            lines.push(*line);
            *line = 0;
        });
        let mut bytes = Vec::new();
        facts.write(&mut bytes);
        let mut lines = lines.into_iter();
        exchange(facts, &mut |line| *line = lines.next().unwrap_or_default());
        let mut framed = Vec::new();
        frame(facts, &mut framed);
        Self { facts: hash(&bytes), length: bytes.len() as u64, frame: hash(&framed) }
    }
}

/// What decides which files belong to a target and under what conditions.
fn frame(facts: &Scope, out: &mut Vec<u8>) {
    facts.cfg.write(out);
    facts.includes.write(out);
    facts.registry.write(out);
    for module in &facts.modules {
        module.name.write(out);
        module.cfg.write(out);
        module.paths.write(out);
        module.body.is_some().write(out);
        if let Some(body) = &module.body {
            frame(body, out);
        }
    }
    // The end of the scope.
    false.write(out);
}

/// Visits every line in a fixed order.
fn exchange(facts: &mut Scope, visit: &mut impl FnMut(&mut u32)) {
    for function in &mut facts.functions {
        visit(&mut function.line);
    }
    for misplaced in &mut facts.misplaced {
        visit(&mut misplaced.line);
    }
    for module in &mut facts.modules {
        if let Some(body) = &mut module.body {
            exchange(body, visit);
        }
    }
}

record!(Print { facts, length, frame });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skim::skim;

    fn print(text: &str) -> Print {
        let mut facts = skim(text).unwrap();
        let before = facts.clone();
        let print = Print::of(&mut facts);
        assert_eq!(facts, before);
        print
    }

    #[test]
    fn only_what_outputs_hold_counts() {
        let text = "use lucent_core::*; mod m { #[projector] fn b(v: &mut V, e: &E) {} }";
        assert_eq!(print(text), print(&format!("// moved\n\n{}", text.replace("{}", "{ x(); }"))));
        assert_ne!(print(text), print(&text.replace("fn b", "fn c")));
        assert_ne!(print(text), print(&text.replace("&E", "&F")));
        assert_ne!(print(text), print(&text.replace("mod m", "mod n")));
    }

    #[test]
    fn functions_and_imports_are_not_a_part_of_the_frame() {
        let text = "use lucent_core::*; mod a; mod m { #[projector] fn b(v: &mut V, e: &E) {} }";
        let frame = |text: &str| print(text).frame;
        for same in [("fn b", "fn c"), ("use lucent_core::*", "use x::y"), ("#[projector]", "")] {
            assert_eq!(frame(text), frame(&text.replace(same.0, same.1)), "{same:?}");
        }
        for other in [
            ("mod a", "mod b"),
            ("mod a;", "mod a {}"),
            ("mod a;", "#[cfg(unix)] mod a;"),
            ("mod a;", "#[path = \"b.rs\"] mod a;"),
            ("mod a; mod m {", "mod m { mod a;"),
            ("mod a;", "mod a; registry!();"),
            ("mod a;", "mod a; include!(\"b.rs\");"),
            ("mod m {", "mod m { #![cfg(unix)]"),
        ] {
            assert_ne!(frame(text), frame(&text.replace(other.0, other.1)), "{other:?}");
        }
    }
}
