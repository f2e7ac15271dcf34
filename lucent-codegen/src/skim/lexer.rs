//! A cursor over Rust source that knows where tokens end.
//!
//! Invariant: every step moves forward or fails, so that any text, Rust or not, is finished in
//! linear time and without a panic. Build scripts run unoptimized; the hot loop therefore indexes
//! bytes and a table instead of composing iterators.

/// The text is not Rust: a delimiter or a literal has no end, or an item makes no sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Broken {
    /// The byte where sense ended.
    pub(crate) at: usize,
}

/// An attribute seen while a group was skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Nested {
    /// The byte of its `#`.
    pub(crate) at: usize,
    /// How many delimiters are open around it; 1 directly inside of the skipped group.
    pub(crate) depth: usize,
}

/// A place in a text; `text` ends where the cursor must stop.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    /// The first line of the outer doc comment passed since this was last cleared.
    pub(crate) docs: Option<&'a str>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self::starting_at(text, 0)
    }

    pub(crate) fn starting_at(text: &'a str, at: usize) -> Self {
        Self { text, at, docs: None }
    }

    /// A cursor over a part of the text; its offsets are those of the whole.
    pub(crate) fn within(&self, from: usize, to: usize) -> Self {
        Self::starting_at(&self.text[..to], from)
    }

    pub(crate) fn broken<T>(&self) -> Result<T, Broken> {
        Err(Broken { at: self.at })
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.byte(self.at)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(prefix.as_bytes())
    }

    /// Skips a byte order mark and a shebang, which only a file may start with.
    pub(crate) fn file_start(&mut self) {
        if self.starts_with("\u{feff}") {
            self.at += 3;
        }
        if self.starts_with("#!") {
            let mut after = Self::starting_at(self.text, self.at + 2);
            if after.trivia().is_ok() && after.peek() != Some(b'[') {
                self.skip_line();
            }
        }
    }

    /// Skips white space and comments, and remembers the first line of an outer doc comment.
    pub(crate) fn trivia(&mut self) -> Result<(), Broken> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'/' if self.starts_with("//") => self.line_comment(),
                b'/' if self.starts_with("/*") => self.block_comment()?,
                0xe2 if self.starts_with("\u{2028}") || self.starts_with("\u{2029}") => {
                    self.at += 3;
                }
                0xe2 if self.starts_with("\u{200e}") || self.starts_with("\u{200f}") => {
                    self.at += 3;
                }
                0xc2 if self.starts_with("\u{85}") => self.at += 2,
                _ => break,
            }
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        let start = self.at;
        self.skip_line();
        let line = &self.text[start..self.at];
        if self.docs.is_none() && line.starts_with("///") && !line.starts_with("////") {
            let line = line[3..].trim();
            if !line.is_empty() {
                self.docs = Some(line);
            }
        }
    }

    fn skip_line(&mut self) {
        self.at = match self.text[self.at..].find('\n') {
            Some(length) => self.at + length,
            None => self.text.len(),
        };
    }

    fn block_comment(&mut self) -> Result<(), Broken> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        let mut at = start;
        loop {
            if at + 1 >= bytes.len() {
                return self.broken();
            }
            if bytes[at] == b'/' && bytes[at + 1] == b'*' {
                depth += 1;
                at += 2;
            } else if bytes[at] == b'*' && bytes[at + 1] == b'/' {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                at += 1;
            }
        }
        self.at = at;
        let comment = &self.text[start..at];
        if self.docs.is_none() && comment.starts_with("/**") && comment.len() > 5 {
            self.docs = comment[3..comment.len() - 2]
                .lines()
                .map(|line| line.trim().trim_start_matches('*').trim())
                .find(|line| !line.is_empty());
        }
        Ok(())
    }

    /// Reads an identifier or keyword; `r#` is passed over.
    pub(crate) fn ident(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        if self.starts_with("r#") && bytes.get(start + 2).is_some_and(|b| starts_ident(*b)) {
            start += 2;
        }
        if !bytes.get(start).is_some_and(|b| starts_ident(*b)) {
            return None;
        }
        let mut end = start + 1;
        while end < bytes.len() && continues_ident(bytes[end]) {
            end += 1;
        }
        self.at = end;
        Some(&self.text[start..end])
    }

    /// The identifier that follows, without moving.
    pub(crate) fn peek_ident(&self) -> Option<&'a str> {
        self.clone().ident()
    }

    /// Reads `a::b::c`; a leading `::` yields an empty first segment.
    pub(crate) fn path(&mut self) -> Result<Vec<String>, Broken> {
        let mut path = Vec::new();
        if self.starts_with("::") {
            self.at += 2;
            path.push(String::new());
            self.trivia()?;
        }
        while let Some(segment) = self.ident() {
            path.push(segment.to_owned());
            let end = self.at;
            self.trivia()?;
            if !self.starts_with("::") {
                self.at = end;
                break;
            }
            self.at += 2;
            self.trivia()?;
        }
        Ok(path)
    }

    /// Skips a literal, comment or other token that starts with a byte of no interest to items.
    pub(crate) fn skip_token(&mut self) -> Result<(), Broken> {
        match self.peek() {
            None => self.broken(),
            Some(b'"') => self.skip_string(),
            Some(b'\'') => self.skip_quote(),
            Some(b'(' | b'[' | b'{') => self.skip_group(None),
            Some(b')' | b']' | b'}') => self.broken(),
            Some(b'-' | b'=') if self.byte(self.at + 1) == Some(b'>') => {
                self.at += 2;
                Ok(())
            }
            Some(_) => {
                // A prefix such as `br##` leaves its quote to the next step.
                if self.ident().is_none() {
                    self.at += 1;
                    while !self.text.is_char_boundary(self.at) {
                        self.at += 1;
                    }
                }
                Ok(())
            }
        }
    }

    /// Skips the group whose delimiter is here, and notes the attributes in it.
    ///
    /// What stands inside of a macro call is not noted: it is not code of this place yet.
    pub(crate) fn skip_group(
        &mut self,
        mut nested: Option<&mut Vec<Nested>>,
    ) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        let mut open: Vec<u8> = Vec::new();
        let mut muted = usize::MAX;
        let mut at = self.at;
        loop {
            while at < bytes.len() && PLAIN[bytes[at] as usize] {
                at += 1;
            }
            if at >= bytes.len() {
                return self.broken();
            }
            let byte = bytes[at];
            match byte {
                b'(' | b'[' | b'{' => {
                    if nested.is_some() && muted == usize::MAX && opens_macro(bytes, at) {
                        muted = open.len();
                    }
                    open.push(if byte == b'(' { b')' } else { byte + 2 });
                    at += 1;
                }
                b')' | b']' | b'}' => {
                    if open.pop() != Some(byte) {
                        return Err(Broken { at });
                    }
                    at += 1;
                    if open.is_empty() {
                        self.at = at;
                        return Ok(());
                    }
                    if open.len() == muted {
                        muted = usize::MAX;
                    }
                }
                b'#' => {
                    if let Some(nested) = nested.as_deref_mut()
                        && muted == usize::MAX
                        && follows(bytes, at + 1, b'[')
                    {
                        nested.push(Nested { at, depth: open.len() });
                    }
                    at += 1;
                }
                b'"' => at = self.skipped(at, Self::skip_string)?,
                b'\'' => at = self.skipped(at, Self::skip_quote)?,
                b'/' if bytes.get(at + 1) == Some(&b'/') => {
                    self.at = at;
                    self.skip_line();
                    at = self.at;
                }
                b'/' if bytes.get(at + 1) == Some(&b'*') => {
                    at = self.skipped(at, Self::block_comment)?;
                }
                _ => at += 1,
            }
        }
    }

    fn skipped(
        &mut self,
        at: usize,
        skip: fn(&mut Self) -> Result<(), Broken>,
    ) -> Result<usize, Broken> {
        self.at = at;
        skip(self)?;
        Ok(self.at)
    }
}

/// Whether the delimiter at `at` belongs to `name!` or `macro_rules! name`.
fn opens_macro(bytes: &[u8], at: usize) -> bool {
    let ends_in_call = |end: usize| {
        end > 1 && bytes[end - 1] == b'!' && {
            let name = before_space(bytes, end - 1);
            name > 0 && continues_ident(bytes[name - 1])
        }
    };
    let end = before_space(bytes, at);
    if ends_in_call(end) {
        return true;
    }
    let mut name = end;
    while name > 0 && continues_ident(bytes[name - 1]) {
        name -= 1;
    }
    let end_of_call = before_space(bytes, name);
    name < end
        && ends_in_call(end_of_call)
        && bytes[..end_of_call - 1].trim_ascii_end().ends_with(b"macro_rules")
}

fn before_space(bytes: &[u8], mut at: usize) -> usize {
    while at > 0 && bytes[at - 1].is_ascii_whitespace() {
        at -= 1;
    }
    at
}

fn follows(bytes: &[u8], mut at: usize, wanted: u8) -> bool {
    while at < bytes.len() && bytes[at].is_ascii_whitespace() {
        at += 1;
    }
    bytes.get(at) == Some(&wanted)
}

const fn starts_ident(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) const fn continues_ident(byte: u8) -> bool {
    starts_ident(byte) || byte.is_ascii_digit()
}

/// The bytes that a skipped group may contain without meaning anything.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let special = b"(){}[]\"'/#";
    let mut index = 0;
    while index < special.len() {
        plain[special[index] as usize] = false;
        index += 1;
    }
    plain
};
