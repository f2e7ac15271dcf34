//! The attributes of one item, as far as they decide what exists and what is annotated.
//!
//! Invariant: a predicate is kept as it was written (comments and white space aside); none is
//! evaluated here.

use lucent_syntax::FunctionKind;

use super::facts::PathAttribute;
use super::lexer::{Broken, Cursor};
use super::literal::one_line;

/// What the attributes before an item, or the inner ones of a scope, say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) cfg: Vec<String>,
    pub(crate) paths: Vec<PathAttribute>,
    pub(crate) candidates: Vec<Candidate<'a>>,
    pub(crate) docs: Option<String>,
}

/// An attribute that may be Lucent's.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) path: Vec<String>,
    /// The text between the attribute's parentheses.
    pub(crate) arguments: &'a str,
    /// The predicates of the `cfg_attr`s around it.
    pub(crate) conditions: Vec<String>,
}

impl<'a> Attributes<'a> {
    /// Reads one attribute, `#[…]` or `#![…]`, whose `#` is here.
    pub(crate) fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Broken> {
        cursor.eat(b'#');
        cursor.trivia()?;
        if cursor.eat(b'!') {
            cursor.trivia()?;
        }
        if cursor.peek() != Some(b'[') {
            return cursor.broken();
        }
        let start = cursor.at + 1;
        cursor.skip_group(None)?;
        self.meta(&mut cursor.within(start, cursor.at - 1), &[])
    }

    fn meta(&mut self, cursor: &mut Cursor<'a>, conditions: &[String]) -> Result<(), Broken> {
        cursor.trivia()?;
        let path = cursor.path()?;
        cursor.trivia()?;
        match cursor.peek() {
            Some(b'(' | b'[' | b'{') => {
                let start = cursor.at + 1;
                cursor.skip_group(None)?;
                let content = cursor.within(start, cursor.at - 1);
                self.list(path, content, conditions)
            }
            Some(b'=') => {
                cursor.at += 1;
                cursor.trivia()?;
                let value = cursor.string()?;
                self.pair(path, value, conditions);
                skip_to_comma(cursor)
            }
            _ => {
                let end = cursor.within(cursor.at, cursor.at);
                self.other(path, &end, conditions);
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        path: Vec<String>,
        mut content: Cursor<'a>,
        conditions: &[String],
    ) -> Result<(), Broken> {
        let name = match path.as_slice() {
            [name] => name.as_str(),
            _ => "",
        };
        match name {
            "cfg" => self.cfg.push(implied(conditions, rest(&content))),
            "cfg_attr" => return self.conditional(&mut content, conditions),
            "unsafe" if content.peek_ident() != Some("unsafe") => {
                return self.meta(&mut content, conditions);
            }
            _ => self.other(path, &content, conditions),
        }
        Ok(())
    }

    fn conditional(
        &mut self,
        content: &mut Cursor<'a>,
        conditions: &[String],
    ) -> Result<(), Broken> {
        if conditions.len() > MAX_CONDITIONS {
            return content.broken();
        }
        let start = content.at;
        skip_to_comma(content)?;
        let mut conditions = conditions.to_vec();
        conditions.push(one_line(&content.text[start..content.at]));
        while content.eat(b',') {
            content.trivia()?;
            if content.peek().is_some() {
                self.meta(content, &conditions)?;
            }
            skip_to_comma(content)?;
        }
        Ok(())
    }

    fn pair(&mut self, path: Vec<String>, value: Option<String>, conditions: &[String]) {
        match (path.as_slice(), value) {
            ([name], Some(path)) if name == "path" => {
                self.paths.push(PathAttribute { conditions: conditions.to_vec(), path })
            }
            ([name], Some(text)) if name == "doc" => {
                let line = text.lines().map(str::trim).find(|line| !line.is_empty());
                if self.docs.is_none() {
                    self.docs = line.map(str::to_owned);
                }
            }
            _ => {
                if could_be_ours(&path) {
                    self.candidates.push(Candidate {
                        path,
                        arguments: "",
                        conditions: conditions.to_vec(),
                    });
                }
            }
        }
    }

    fn other(&mut self, path: Vec<String>, arguments: &Cursor<'a>, conditions: &[String]) {
        if path.last().is_some_and(|name| name == "test") {
            // The item exists in tests only.
            self.cfg.push(implied(conditions, "test"));
        } else if could_be_ours(&path) {
            self.candidates.push(Candidate {
                path,
                arguments: rest(arguments),
                conditions: conditions.to_vec(),
            });
        }
    }
}

/// Whether a path is worth resolving; renamed imports make any single name possible.
fn could_be_ours(path: &[String]) -> bool {
    match path {
        [] => false,
        [name] => !BUILT_IN.contains(&name.as_str()),
        [.., name] => FunctionKind::from_attribute(name).is_some(),
    }
}

fn rest<'a>(content: &Cursor<'a>) -> &'a str {
    &content.text[content.at..]
}

/// The condition that holds iff `condition` holds whenever all of `premises` do.
fn implied(premises: &[String], condition: &str) -> String {
    let condition = one_line(condition);
    let mut text = condition;
    for premise in premises.iter().rev() {
        text = format!("any(not({premise}), {text})");
    }
    text
}

fn skip_to_comma(cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    loop {
        cursor.trivia()?;
        match cursor.peek() {
            None | Some(b',') => return Ok(()),
            Some(_) => cursor.skip_token()?,
        }
    }
}

/// Attributes of the language: never an alias of Lucent's.
static BUILT_IN: [&str; 24] = [
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "derive",
    "diagnostic",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "link",
    "macro_use",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "path",
    "repr",
    "track_caller",
    "warn",
];

/// How deep `cfg_attr` may nest.
const MAX_CONDITIONS: usize = 32;
