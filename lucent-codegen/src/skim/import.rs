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
    if cursor.eat(b';') {
        Ok(())
    } else {
        cursor.broken()
    }
}

/// The names under which this text imports one of Lucent's attributes by `as`.
pub(super) fn aliases(text: &str) -> BTreeSet<String> {
    let mut aliases = BTreeSet::new();
    for kind in FunctionKind::ALL {
        for (at, name) in text.match_indices(kind.attribute()) {
            let mut cursor = Cursor::starting_at(text, at + name.len());
            if cursor.trivia().is_ok()
                && cursor.ident() == Some("as")
                && cursor.trivia().is_ok()
                && let Some(alias) = cursor.ident()
            {
                aliases.insert(alias.to_owned());
            }
        }
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
            imports.push(Import {
                path,
                name: "*".to_owned(),
            });
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
