//! Literals, and text on one line.
//!
//! Invariant: a literal ends where rustc ends it; what stands in it is never taken for code.

use super::lexer::{Broken, Cursor, continues_ident};

impl Cursor<'_> {
    /// Reads a string literal and returns its value; anything else is left in place.
    pub(crate) fn string(&mut self) -> Result<Option<String>, Broken> {
        let start = self.at;
        if self.eat(b'r') {
            while self.eat(b'#') {}
        }
        if self.peek() != Some(b'"') {
            self.at = start;
            return Ok(None);
        }
        let hashes = self.at - start;
        let content = self.at + 1;
        self.skip_string()?;
        if hashes == 0 {
            return Ok(Some(unescape(&self.text[content..self.at - 1])));
        }
        Ok(Some(self.text[content..self.at - hashes].to_owned()))
    }

    /// Skips the string literal whose quote is here; a raw one is known by what precedes it.
    pub(super) fn skip_string(&mut self) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + 1;
        let Some(hashes) = raw_hashes(bytes, start) else {
            while at < bytes.len() {
                match bytes[at] {
                    b'"' => {
                        self.at = at + 1;
                        return Ok(());
                    }
                    b'\\' => at += 2,
                    _ => at += 1,
                }
            }
            return self.broken();
        };
        while at < bytes.len() {
            if bytes[at] == b'"' {
                let mut end = at + 1;
                while end < bytes.len() && end - at <= hashes && bytes[end] == b'#' {
                    end += 1;
                }
                if end - at - 1 == hashes {
                    self.at = end;
                    return Ok(());
                }
            }
            at += 1;
        }
        self.broken()
    }

    /// Skips a character literal, or only the quote of a lifetime.
    pub(super) fn skip_quote(&mut self) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if self.byte(start + 1) == Some(b'\\') {
            let mut at = start + 3;
            while at < bytes.len() && bytes[at] != b'\n' {
                if bytes[at] == b'\'' {
                    self.at = at + 1;
                    return Ok(());
                }
                at += 1;
            }
            return self.broken();
        }
        let width = self
            .text
            .get(start + 1..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        self.at = start + 1;
        if width > 0 && self.byte(start + 1 + width) == Some(b'\'') {
            self.at = start + 2 + width;
        }
        Ok(())
    }
}

/// Removes comments and folds white space, so that a piece of source stands on one line.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut cursor = Cursor::new(text);
    loop {
        let before = cursor.at;
        if cursor.trivia().is_err() {
            break;
        }
        if cursor.at > before && !line.is_empty() {
            line.push(' ');
        }
        let start = cursor.at;
        let skipped = match cursor.peek() {
            None => break,
            Some(b'(' | b')' | b'[' | b']' | b'{' | b'}') => {
                cursor.at += 1;
                Ok(())
            }
            Some(_) => cursor.skip_token(),
        };
        if skipped.is_err() {
            break;
        }
        line.push_str(&text[start..cursor.at]);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The number of hashes of the raw string whose quote is at `quote`; `None` if it is not raw.
fn raw_hashes(bytes: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote;
    while at > 0 && bytes[at - 1] == b'#' {
        at -= 1;
    }
    let hashes = quote - at;
    if at == 0 || bytes[at - 1] != b'r' {
        return None;
    }
    at -= 1;
    if at > 0 && matches!(bytes[at - 1], b'b' | b'c') {
        at -= 1;
    }
    (at == 0 || !continues_ident(bytes[at - 1])).then_some(hashes)
}

/// The value of a string literal's content; escapes that no path needs stay as they are.
fn unescape(content: &str) -> String {
    let mut value = String::with_capacity(content.len());
    let mut chars = content.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('0') => value.push('\0'),
            Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            Some(c @ ('\\' | '"' | '\'')) => value.push(c),
            Some(c) => value.extend(['\\', c]),
            None => value.push('\\'),
        }
    }
    value
}
