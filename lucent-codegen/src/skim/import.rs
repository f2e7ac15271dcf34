//! Names that `use` brings into a module.
//!
//! Invariant: a tree of imports becomes one flat list; nothing is looked up.

use std::collections::BTreeSet;

use lucent_syntax::FunctionKind;

use super::facts::Import;
use super::lexer::{Broken, Cursor};

/// Reads what follows `use`, up to and including the semicolon.
pub(super) fn read(cursor: &mut Cursor<'_>, imports: &mut Vec<Import>) -> Result<(), Broken> {
    tree(cursor, &[], imports, 0)?;
    cursor.trivia()?;
    if cursor.eat(b';') { Ok(()) } else { cursor.broken() }
}

/// The names under which this text imports one of Lucent's attributes by `as`.
pub(super) fn aliases(text: &str) -> BTreeSet<String> {
    let mut aliases = BTreeSet::new();
    let bytes = text.as_bytes();
    let mut at = 1;
    while at + 1 < bytes.len() {
        if bytes[at] == b'a' && bytes[at + 1] == b's' && bytes[at - 1].is_ascii_whitespace() {
            let before = text[..at].trim_end();
            let mut after = Cursor::starting_at(text, at + 2);
            if FunctionKind::ALL.iter().any(|kind| before.ends_with(kind.attribute()))
                && after.trivia().is_ok()
                && let Some(alias) = after.ident()
            {
                aliases.insert(alias.to_owned());
            }
        }
        at += 1;
    }
    aliases
}

fn tree(
    cursor: &mut Cursor<'_>,
    prefix: &[String],
    imports: &mut Vec<Import>,
    depth: usize,
) -> Result<(), Broken> {
    if depth > MAX_DEPTH {
        return cursor.broken();
    }
    cursor.trivia()?;
    let mut path = [prefix, &cursor.path()?].concat();
    cursor.trivia()?;
    match cursor.peek() {
        Some(b'*') => {
            cursor.at += 1;
            imports.push(Import { path, name: "*".to_owned() });
            Ok(())
        }
        Some(b'{') => {
            cursor.at += 1;
            loop {
                cursor.trivia()?;
                if cursor.eat(b'}') {
                    return Ok(());
                }
                tree(cursor, &path, imports, depth + 1)?;
                cursor.trivia()?;
                if !cursor.eat(b',') && cursor.peek() != Some(b'}') {
                    return cursor.broken();
                }
            }
        }
        _ => {
            if path.len() > 1 && path.last().is_some_and(|segment| segment == "self") {
                path.pop();
            }
            let Some(last) = path.last().cloned() else {
                return cursor.broken();
            };
            let mut name = last;
            if cursor.peek_ident() == Some("as") {
                cursor.ident();
                cursor.trivia()?;
                let Some(alias) = cursor.ident() else {
                    return cursor.broken();
                };
                alias.clone_into(&mut name);
            }
            imports.push(Import { path, name });
            Ok(())
        }
    }
}

const MAX_DEPTH: usize = 64;
