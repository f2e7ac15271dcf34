//! From the text of one file to its facts.
//!
//! Invariant: bodies are skipped, never parsed; only attributes and signatures of annotated
//! functions reach a real parser. A text that is not Rust is [`Broken`], never a panic.

mod attribute;
mod facts;
mod import;
mod lexer;
#[cfg(test)]
mod tests;

pub(crate) use facts::{Function, Import, Include, Misplaced, Module, PathAttribute, Place, Scope};
pub(crate) use lexer::Broken;

use std::collections::BTreeSet;

use lucent_syntax::{Arguments, FunctionKind, fingerprint, registry_name};
use proc_macro2::{Ident, TokenStream, TokenTree};

use attribute::{Attributes, Candidate};
use lexer::{Cursor, Nested, one_line};

/// Reads the items of a file.
///
/// # Errors
/// When the text cannot be a Rust file.
pub(crate) fn skim(text: &str) -> Result<Scope, Broken> {
    let mut skimmer = Skimmer {
        cursor: Cursor::new(text),
        lines: Lines { at: 0, line: 1 },
        aliases: None,
        depth: 0,
    };
    skimmer.cursor.file_start();
    let mut scope = skimmer.scope(false)?;
    if !scope.says_something() {
        forget_imports(&mut scope);
    }
    Ok(scope)
}

struct Skimmer<'a> {
    cursor: Cursor<'a>,
    lines: Lines,
    /// The names under which the file imports Lucent's attributes by `as`, once asked for.
    aliases: Option<BTreeSet<String>>,
    depth: usize,
}

/// Counts lines up to an offset, from where it counted last.
struct Lines {
    at: usize,
    line: u32,
}

impl<'a> Skimmer<'a> {
    fn scope(&mut self, closing: bool) -> Result<Scope, Broken> {
        if self.depth > MAX_DEPTH {
            return self.cursor.broken();
        }
        self.depth += 1;
        let mut scope = Scope::default();
        loop {
            self.cursor.docs = None;
            self.cursor.trivia()?;
            match self.cursor.peek() {
                None if closing => return self.cursor.broken(),
                None => break,
                Some(b'}') if closing => {
                    self.cursor.at += 1;
                    break;
                }
                Some(b';') => self.cursor.at += 1,
                Some(_) => self.item(&mut scope)?,
            }
        }
        self.depth -= 1;
        Ok(scope)
    }

    fn item(&mut self, scope: &mut Scope) -> Result<(), Broken> {
        let mut attributes = Attributes::default();
        while self.cursor.peek() == Some(b'#') {
            if self.is_inner_attribute() {
                let mut inner = Attributes::default();
                inner.read(&mut self.cursor)?;
                scope.cfg.append(&mut inner.cfg);
                return Ok(());
            }
            attributes.read(&mut self.cursor)?;
            self.cursor.trivia()?;
        }
        if let Some(docs) = self.cursor.docs.take() {
            attributes.docs = Some(docs.to_owned());
        }
        self.visibility()?;
        let start = self.cursor.at;
        loop {
            let Some(word) = self.word_of_item()? else {
                return self.macro_call(attributes, scope);
            };
            self.cursor.trivia()?;
            match word {
                "const" if !self.qualifies() => return self.value(&attributes, scope),
                "const" | "async" | "unsafe" | "safe" | "gen" | "default" | "auto" => {}
                "extern" => match self.after_extern()? {
                    Extern::Function => {}
                    Extern::Crate => {
                        self.extern_crate(scope)?;
                        return Ok(());
                    }
                    Extern::Block => return self.block(&attributes, scope),
                },
                "fn" => return self.function(attributes, start, scope),
                "mod" => return self.module(attributes, scope),
                "use" => return import::read(&mut self.cursor, &mut scope.imports),
                "static" | "type" => return self.value(&attributes, scope),
                "struct" | "enum" | "union" => return self.declaration(),
                "impl" | "trait" => return self.block(&attributes, scope),
                "macro" => return self.declarative_macro(),
                _ => return self.cursor.broken(),
            }
        }
    }

    fn is_inner_attribute(&self) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.at += 1;
        ahead.trivia().is_ok() && ahead.peek() == Some(b'!')
    }

    fn visibility(&mut self) -> Result<(), Broken> {
        if self.cursor.peek_ident() == Some("pub") {
            self.cursor.at += 3;
            self.cursor.trivia()?;
            if self.cursor.peek() == Some(b'(') {
                self.cursor.skip_group(None)?;
                self.cursor.trivia()?;
            }
        }
        Ok(())
    }

    /// The keyword that starts or qualifies an item; `None` if a macro is called here.
    fn word_of_item(&mut self) -> Result<Option<&'a str>, Broken> {
        let start = self.cursor.at;
        if self.cursor.starts_with("r#") {
            return Ok(None);
        }
        let Some(word) = self.cursor.ident() else {
            return Ok(None);
        };
        let end = self.cursor.at;
        self.cursor.trivia()?;
        if self.cursor.peek() == Some(b'!') || self.cursor.starts_with("::") {
            // `impl !Send for X {}` and `use ::a;` are not calls.
            if !matches!(word, "impl" | "use") {
                self.cursor.at = start;
                return Ok(None);
            }
        }
        self.cursor.at = end;
        Ok(Some(word))
    }

    /// Whether the `const` just read qualifies a function.
    fn qualifies(&self) -> bool {
        matches!(
            self.cursor.peek_ident(),
            Some("async" | "unsafe" | "extern" | "fn" | "gen" | "safe")
        )
    }

    fn after_extern(&mut self) -> Result<Extern, Broken> {
        if self.cursor.peek_ident() == Some("crate") {
            return Ok(Extern::Crate);
        }
        self.cursor.string()?;
        self.cursor.trivia()?;
        if self.cursor.peek() == Some(b'{') {
            return Ok(Extern::Block);
        }
        Ok(Extern::Function)
    }

    fn extern_crate(&mut self, scope: &mut Scope) -> Result<(), Broken> {
        self.cursor.ident();
        self.cursor.trivia()?;
        let Some(name) = self.cursor.ident() else {
            return self.cursor.broken();
        };
        self.cursor.trivia()?;
        let mut alias = name;
        if self.cursor.peek_ident() == Some("as") {
            self.cursor.ident();
            self.cursor.trivia()?;
            alias = self.cursor.ident().unwrap_or(name);
        }
        scope.imports.push(Import {
            path: vec![String::new(), name.to_owned()],
            name: alias.to_owned(),
        });
        Ok(())
    }

    fn module(&mut self, attributes: Attributes<'_>, scope: &mut Scope) -> Result<(), Broken> {
        let Some(name) = self.cursor.ident() else {
            return self.cursor.broken();
        };
        self.cursor.trivia()?;
        let body = if self.cursor.eat(b'{') {
            Some(self.scope(true)?)
        } else if self.cursor.eat(b';') {
            None
        } else {
            return self.cursor.broken();
        };
        scope.modules.push(Module {
            name: name.to_owned(),
            cfg: attributes.cfg,
            paths: attributes.paths,
            body,
        });
        Ok(())
    }

    fn function(
        &mut self,
        attributes: Attributes<'a>,
        start: usize,
        scope: &mut Scope,
    ) -> Result<(), Broken> {
        let name_at = self.cursor.at;
        let Some(ident) = self.cursor.ident() else {
            return self.cursor.broken();
        };
        let has_body = self.signature()?;
        let signature = &self.cursor.text[start..self.cursor.at];
        for candidate in &attributes.candidates {
            if !self.is_annotation(&candidate.path) {
                continue;
            }
            let mut function = Self::annotated(candidate, ident, signature)?;
            function.line = self.lines.of(self.cursor.text, name_at);
            function.cfg = [attributes.cfg.as_slice(), &candidate.conditions].concat();
            function.docs = attributes.docs.clone().unwrap_or_default();
            scope.functions.push(function);
        }
        if has_body {
            self.skip_noting(Place::Body, &attributes, scope)
        } else {
            self.cursor.at += 1;
            Ok(())
        }
    }

    /// Moves to the body's brace, and says whether there is one.
    fn signature(&mut self) -> Result<bool, Broken> {
        let mut angles = 0_usize;
        loop {
            self.cursor.trivia()?;
            match self.cursor.peek() {
                Some(b'{') if angles == 0 => return Ok(true),
                Some(b';') if angles == 0 => return Ok(false),
                Some(b'<') => {
                    angles += 1;
                    self.cursor.at += 1;
                }
                Some(b'>') => {
                    angles = angles.saturating_sub(1);
                    self.cursor.at += 1;
                }
                _ => self.cursor.skip_token()?,
            }
        }
    }

    fn annotated(
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
            fingerprint: fingerprint(&tokens, &self::tokens(signature)?),
            line: 0,
            signature: one_line(signature),
            cfg: Vec::new(),
            docs: String::new(),
        })
    }

    /// `const`, `static`, `type`: up to the semicolon.
    fn value(&mut self, attributes: &Attributes<'_>, scope: &mut Scope) -> Result<(), Broken> {
        loop {
            self.cursor.trivia()?;
            match self.cursor.peek() {
                Some(b';') => {
                    self.cursor.at += 1;
                    return Ok(());
                }
                Some(b'{') => self.skip_noting(Place::Body, attributes, scope)?,
                _ => self.cursor.skip_token()?,
            }
        }
    }

    fn declaration(&mut self) -> Result<(), Broken> {
        if self.signature()? {
            self.cursor.skip_group(None)
        } else {
            self.cursor.at += 1;
            Ok(())
        }
    }

    fn block(&mut self, attributes: &Attributes<'_>, scope: &mut Scope) -> Result<(), Broken> {
        if self.signature()? {
            self.skip_noting(Place::Block, attributes, scope)
        } else {
            self.cursor.at += 1;
            Ok(())
        }
    }

    /// Skips a brace group and keeps the annotated functions in it as misplaced.
    fn skip_noting(
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
    fn is_annotation(&mut self, path: &[String]) -> bool {
        let Some(name) = path.last() else {
            return false;
        };
        let text = self.cursor.text;
        FunctionKind::from_attribute(name).is_some()
            || (path.len() == 1
                && self
                    .aliases
                    .get_or_insert_with(|| import::aliases(text))
                    .contains(name))
    }

    fn macro_call(&mut self, attributes: Attributes<'_>, scope: &mut Scope) -> Result<(), Broken> {
        let path = self.cursor.path()?;
        self.cursor.trivia()?;
        if path.is_empty() || !self.cursor.eat(b'!') {
            return self.cursor.broken();
        }
        self.cursor.trivia()?;
        self.cursor.ident();
        self.cursor.trivia()?;
        let start = self.cursor.at;
        if !matches!(self.cursor.peek(), Some(b'(' | b'[' | b'{')) {
            return self.cursor.broken();
        }
        self.cursor.skip_group(None)?;
        match path.last().map(String::as_str) {
            Some("include") => {
                let mut content = self.cursor.within(start + 1, self.cursor.at - 1);
                if let Some((path, generated)) = included(&mut content)? {
                    scope.includes.push(Include {
                        cfg: attributes.cfg,
                        path,
                        generated,
                    });
                }
            }
            Some("registry") => scope.registry = true,
            _ => {}
        }
        Ok(())
    }

    fn declarative_macro(&mut self) -> Result<(), Broken> {
        while self.cursor.peek() != Some(b'{') {
            self.cursor.skip_token()?;
            self.cursor.trivia()?;
        }
        self.cursor.skip_group(None)
    }
}

impl Lines {
    fn of(&mut self, text: &str, at: usize) -> u32 {
        if at < self.at {
            *self = Self { at: 0, line: 1 };
        }
        let bytes = text.as_bytes();
        while self.at < at {
            if bytes[self.at] == b'\n' {
                self.line += 1;
            }
            self.at += 1;
        }
        self.line
    }
}

/// What an `extern` introduces.
enum Extern {
    Block,
    Crate,
    Function,
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

/// The path in `include!(…)`, and whether it starts at `OUT_DIR`.
fn included(content: &mut Cursor<'_>) -> Result<Option<(String, bool)>, Broken> {
    content.trivia()?;
    if let Some(path) = content.string()? {
        return Ok(Some((path, false)));
    }
    let text = one_line(&content.text[content.at..]).replace(' ', "");
    let Some(rest) = text.strip_prefix("concat!(env!(\"OUT_DIR\"),") else {
        return Ok(None);
    };
    let mut rest = Cursor::new(rest);
    let path = rest.string()?;
    Ok(path.map(|path| (path.trim_start_matches('/').to_owned(), true)))
}

fn forget_imports(scope: &mut Scope) {
    scope.imports = Vec::new();
    for module in &mut scope.modules {
        if let Some(body) = &mut module.body {
            forget_imports(body);
        }
    }
}

/// How deep inline modules and signatures may nest.
const MAX_DEPTH: usize = 128;
