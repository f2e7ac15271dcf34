//! The items of a file, one after the other.
//!
//! Invariant: after each item the cursor stands behind it, whatever is in its body.

use std::collections::BTreeSet;

use super::annotation::annotated;
use super::attribute::Attributes;
use super::facts::{Import, Include, Module, Place, Scope};
use super::import;
use super::lexer::{Broken, Cursor};
use super::literal::one_line;

/// A walk over the items of one text.
pub(super) struct Skimmer<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) lines: Lines,
    /// The names under which the file imports Lucent's attributes by `as`, once asked for.
    pub(super) aliases: Option<BTreeSet<String>>,
    depth: usize,
}

/// Counts lines up to an offset, from where it counted last.
pub(super) struct Lines {
    at: usize,
    line: u32,
}

impl<'a> Skimmer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { cursor: Cursor::new(text), lines: Lines { at: 0, line: 1 }, aliases: None, depth: 0 }
    }

    /// Reads the whole text.
    pub(super) fn file(&mut self) -> Result<Scope, Broken> {
        self.cursor.file_start();
        self.scope(false)
    }

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
                "fn" => return self.function(&attributes, start, scope),
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
        scope
            .imports
            .push(Import { path: vec![String::new(), name.to_owned()], name: alias.to_owned() });
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
        attributes: &Attributes<'a>,
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
            let mut function = annotated(candidate, ident, signature)?;
            function.line = self.lines.of(self.cursor.text, name_at);
            function.cfg = [attributes.cfg.as_slice(), &candidate.conditions].concat();
            function.docs = attributes.docs.clone().unwrap_or_default();
            scope.functions.push(function);
        }
        if has_body {
            self.skip_noting(Place::Body, attributes, scope)
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
                    scope.includes.push(Include { cfg: attributes.cfg, path, generated });
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
    pub(super) fn of(&mut self, text: &str, at: usize) -> u32 {
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

/// How deep inline modules may nest.
const MAX_DEPTH: usize = 128;
