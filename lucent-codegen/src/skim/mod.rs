//! From the text of one file to its facts.
//!
//! Invariant: bodies are skipped, never parsed; only attributes and signatures of annotated
//! functions reach a real parser. A text that is not Rust is [`Broken`], never a panic.

mod annotation;
mod attribute;
mod facts;
mod import;
mod item;
mod lexer;
mod literal;
#[cfg(test)]
mod tests;

pub(crate) use facts::{Function, Import, Include, Misplaced, Module, PathAttribute, Place, Scope};
pub(crate) use lexer::Broken;

use item::Skimmer;

/// Reads the items of a file.
///
/// # Errors
/// When the text cannot be a Rust file.
pub(crate) fn skim(text: &str) -> Result<Scope, Broken> {
    let mut scope = Skimmer::new(text).file()?;
    if !scope.says_something() {
        forget_imports(&mut scope);
    }
    Ok(scope)
}

fn forget_imports(scope: &mut Scope) {
    scope.imports = Vec::new();
    for module in &mut scope.modules {
        if let Some(body) = &mut module.body {
            forget_imports(body);
        }
    }
}
