//! A hash of tokens that is the same in the compiler and in the scanner.
//!
//! Invariant: spacing, doc comments, raw-identifier prefixes and invisible groups never change a
//! fingerprint; any other token does. Printing tokens and hashing the text would not do: the
//! compiler and `proc_macro2`'s fallback print differently.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Hashes the attribute's arguments and the function's signature (without its body).
#[must_use]
pub fn fingerprint(arguments: &TokenStream, signature: &TokenStream) -> u64 {
    let mut hash = Fnv::new();
    hash.stream(arguments.clone());
    hash.byte(0xff);
    hash.stream(signature.clone());
    hash.0
}

/// FNV-1a with 64 bits: stable, tiny and good enough to notice a changed signature.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
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
                    _ => self.text(b'p', "#"),
                },
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    if !open.is_empty() {
                        self.text(b'g', open);
                    }
                    self.stream(group.stream());
                    if !close.is_empty() {
                        self.text(b'g', close);
                    }
                }
                TokenTree::Ident(ident) => {
                    let ident = ident.to_string();
                    self.text(b'i', ident.strip_prefix("r#").unwrap_or(&ident));
                }
                TokenTree::Punct(punct) => {
                    self.text(b'p', punct.as_char().encode_utf8(&mut [0; 4]));
                }
                TokenTree::Literal(literal) => self.text(b'l', &literal.to_string()),
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
