//! From an annotated function to its facts.
//!
//! Invariant: what a fingerprint covers are the very tokens that the attribute's macro sees: the
//! arguments, and the signature from behind the visibility up to the body.

use lucent_syntax::{Arguments, FunctionKind, fingerprint, registry_name};
use proc_macro2::{Ident, TokenStream, TokenTree};

use super::attribute::{Attributes, Candidate};
use super::facts::{Function, Misplaced, Place, Scope};
use super::import;
use super::item::Skimmer;
use super::lexer::{Broken, Cursor, Nested};
use super::literal::one_line;

impl Skimmer<'_> {
    /// Skips a brace group and keeps the annotated functions in it as misplaced.
    pub(super) fn skip_noting(
        &mut self,
        place: Place,
        attributes: &Attributes<'_>,
        scope: &mut Scope,
    ) -> Result<(), Broken> {
        let mut nested = Vec::new();
        self.cursor.skip_group(Some(&mut nested))?;
        for found in nested {
            self.misplaced(found, place, attributes, scope)?;
        }
        Ok(())
    }

    fn misplaced(
        &mut self,
        found: Nested,
        place: Place,
        outer: &Attributes<'_>,
        scope: &mut Scope,
    ) -> Result<(), Broken> {
        let mut cursor = Cursor::starting_at(self.cursor.text, found.at);
        let mut attributes = Attributes::default();
        attributes.read(&mut cursor)?;
        for candidate in &attributes.candidates {
            if !self.is_annotation(&candidate.path) {
                continue;
            }
            let Some((ident, at)) = function_after(cursor.clone()) else {
                continue;
            };
            scope.misplaced.push(Misplaced {
                attribute: candidate.path.clone(),
                ident,
                place: if found.depth == 1 { place } else { Place::Body },
                line: self.lines.of(self.cursor.text, at),
                cfg: [outer.cfg.as_slice(), &candidate.conditions].concat(),
            });
        }
        Ok(())
    }

    /// Whether an attribute is named like one of Lucent's, or like an import of one.
    pub(super) fn is_annotation(&mut self, path: &[String]) -> bool {
        let Some(name) = path.last() else {
            return false;
        };
        let text = self.cursor.text;
        FunctionKind::from_attribute(name).is_some()
            || (path.len() == 1
                && self.aliases.get_or_insert_with(|| import::aliases(text)).contains(name))
    }
}

/// Describes a function, but for its place and its conditions.
pub(super) fn annotated(
    candidate: &Candidate<'_>,
    ident: &str,
    signature: &str,
) -> Result<Function, Broken> {
    let tokens = tokens(candidate.arguments)?;
    // The macro reports what is wrong in the arguments; until then the function's name stands.
    let arguments = Arguments::parse_tokens(tokens.clone()).unwrap_or_default();
    let name = registry_name(&arguments, &identifier(ident)?);
    Ok(Function {
        attribute: candidate.path.clone(),
        ident: ident.to_owned(),
        name,
        edition: arguments.find("of").is_some(),
        fingerprint: fingerprint(&tokens, &self::tokens(signature)?),
        line: 0,
        signature: one_line(signature),
        cfg: Vec::new(),
        docs: String::new(),
    })
}

fn tokens(text: &str) -> Result<TokenStream, Broken> {
    if nests_deeper_than(text, MAX_DEPTH) {
        return Err(Broken { at: 0 });
    }
    text.parse().map_err(|_| Broken { at: 0 })
}

/// Deep nesting would overflow the stack of the recursive parsers behind this one.
fn nests_deeper_than(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

fn identifier(text: &str) -> Result<Ident, Broken> {
    match tokens(text)?.into_iter().next() {
        Some(TokenTree::Ident(ident)) => Ok(ident),
        _ => Err(Broken { at: 0 }),
    }
}

/// The name of the function that follows an attribute, and where it stands.
fn function_after(mut cursor: Cursor<'_>) -> Option<(String, usize)> {
    cursor.trivia().ok()?;
    while cursor.eat(b'#') {
        cursor.trivia().ok()?;
        cursor.skip_group(None).ok()?;
        cursor.trivia().ok()?;
    }
    loop {
        cursor.string().ok()?;
        cursor.trivia().ok()?;
        match cursor.ident()? {
            "pub" => {
                cursor.trivia().ok()?;
                if cursor.peek() == Some(b'(') {
                    cursor.skip_group(None).ok()?;
                }
            }
            "async" | "const" | "default" | "extern" | "gen" | "safe" | "unsafe" => {}
            "fn" => {
                cursor.trivia().ok()?;
                let at = cursor.at;
                return Some((cursor.ident()?.to_owned(), at));
            }
            _ => return None,
        }
        cursor.trivia().ok()?;
    }
}

/// How deep arguments and signatures may nest.
const MAX_DEPTH: usize = 128;
