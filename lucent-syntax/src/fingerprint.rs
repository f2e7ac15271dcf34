//! A hash of tokens that is the same in the compiler and in the scanner.
//!
//! Invariant: spacing, doc comments, raw-identifier prefixes and invisible groups never change a
//! fingerprint; any other token does. Printing tokens and hashing the text would not do: the
//! compiler and `proc_macro2`'s fallback print differently.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Hashes the attribute's arguments and the function's signature (without its body).
#[must_use]
pub fn fingerprint(arguments: &TokenStream, signature: &TokenStream) -> u64 {
    let mut fingerprint = Fingerprint::default();
    fingerprint.stream(arguments.clone());
    fingerprint.arguments_end();
    fingerprint.stream(signature.clone());
    fingerprint.finish()
}

/// A fingerprint that is being made of tokens, one after another.
///
/// FNV-1a with 64 bits: stable, tiny and good enough to notice a changed signature.
#[derive(Clone, Debug)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    /// Adds an identifier, raw or not.
    pub fn ident(&mut self, ident: &str) {
        self.text(b'i', ident.strip_prefix("r#").unwrap_or(ident));
    }

    /// Adds a sign.
    pub fn punct(&mut self, punct: char) {
        self.text(b'p', punct.encode_utf8(&mut [0; 4]));
    }

    /// Adds a literal as it is written.
    pub fn literal(&mut self, literal: &str) {
        self.text(b'l', literal);
    }

    /// Adds the beginning or the end of a group: `(`, `)`, `[`, `]`, `{` or `}`.
    pub fn delimiter(&mut self, delimiter: &str) {
        self.text(b'g', delimiter);
    }

    /// What follows is the signature.
    pub fn arguments_end(&mut self) {
        self.byte(0xff);
    }

    /// The fingerprint of what was added.
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.byte(kind);
        for byte in text.bytes() {
            self.byte(byte);
        }
        self.byte(0);
    }

    fn stream(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => match tokens.peek() {
                    Some(TokenTree::Group(group)) if is_doc(group) => {
                        tokens.next();
                    }
                    _ => self.punct('#'),
                },
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    if !open.is_empty() {
                        self.delimiter(open);
                    }
                    self.stream(group.stream());
                    if !close.is_empty() {
                        self.delimiter(close);
                    }
                }
                TokenTree::Ident(ident) => self.ident(&ident.to_string()),
                TokenTree::Punct(punct) => self.punct(punct.as_char()),
                TokenTree::Literal(literal) => self.literal(&literal.to_string()),
            }
        }
    }
}

fn is_doc(group: &proc_macro2::Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &str, signature: &str) -> u64 {
        fingerprint(&arguments.parse().unwrap(), &signature.parse().unwrap())
    }

    #[test]
    fn spacing_and_docs_do_not_matter() {
        assert_eq!(
            of("name = \"a\"", "fn a ( x : & T ) -> R < u8 >"),
            of("name=\"a\"", "/// Docs.\nfn a(x:&T)->R<u8>"),
        );
        assert_eq!(of("", "fn r#move(x: T)"), of("", "fn r#move(x:T)"));
    }

    #[test]
    fn a_changed_type_or_argument_matters() {
        assert_ne!(of("", "fn a(x: &T)"), of("", "fn a(x: T)"));
        assert_ne!(of("", "fn a(x: T)"), of("", "fn a(x: U)"));
        assert_ne!(of("version = 1", "fn a()"), of("version = 2", "fn a()"));
        assert_ne!(of("a", "b"), of("", "a b"));
    }
}
