//! The fingerprint of a file's facts.
//!
//! Invariant: facts that differ in more than lines have different prints. Lines do not count, for
//! no output but the text of a mistake has them.

use super::codec::{Record, hash, record};
use crate::skim::Scope;

/// Facts without their lines, as a hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Print(u64, u64);

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
        Self(hash(&bytes), bytes.len() as u64)
    }
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

record!(Print { 0, 1 });

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
}
