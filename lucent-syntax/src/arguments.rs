//! Arguments of attributes: `name = "accounts", version = 2, snapshot(every = 200), inline`.
//!
//! Invariant: every argument is parsed and every mistake in them is reported, each on its own
//! token; nothing is ignored silently.

use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprLit, Ident, Lit, Token, parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

/// The arguments of one attribute, in source order.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    items: Vec<Argument>,
}

/// One argument and the place of its key.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The key.
    pub key: Ident,
    /// What follows the key.
    pub value: ArgumentValue,
    /// The key as a text: a macro asks for dozens of keys, and making the text is not cheap there.
    text: String,
}

/// What may follow a key.
#[derive(Clone, Debug)]
pub enum ArgumentValue {
    /// Nothing: `inline`.
    Flag,
    /// An expression or a type: `version = 2`, `aggregate = Account`.
    Value(Box<Expr>),
    /// A list of arguments: `snapshot(every = 200)`.
    List(Arguments),
    /// A list of literals: `retired("OldName", "OlderName")`.
    Literals(Vec<Lit>),
}

impl Arguments {
    /// Parses the tokens between an attribute's parentheses.
    ///
    /// # Errors
    /// On anything that is not a list of arguments.
    pub fn parse_tokens(tokens: TokenStream) -> syn::Result<Self> {
        Self::parse_list.parse2(tokens)
    }

    /// Parses `#[name]`, `#[name(…)]`; `#[name = …]` is a mistake.
    ///
    /// # Errors
    /// On anything that is not a list of arguments.
    pub fn parse_attribute(attribute: &syn::Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            syn::Meta::Path(_) => Ok(Self::default()),
            syn::Meta::List(list) => Self::parse_tokens(list.tokens.clone()),
            syn::Meta::NameValue(pair) => Err(syn::Error::new(
                pair.eq_token.span(),
                "expected a list of arguments in parentheses",
            )),
        }
    }

    fn parse_list(input: ParseStream<'_>) -> syn::Result<Self> {
        let items = Punctuated::<Argument, Token![,]>::parse_terminated(input)?;
        Ok(Self { items: items.into_iter().collect() })
    }

    /// Adds the arguments of another attribute of the same name.
    pub fn append(&mut self, other: Self) {
        self.items.extend(other.items);
    }

    /// The arguments in source order.
    pub fn iter(&self) -> std::slice::Iter<'_, Argument> {
        self.items.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The argument of this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Argument> {
        self.items.iter().find(|item| item.text == key)
    }

    /// The string literal given for this key, if there is one.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<String> {
        match self.find(key)?.literal()? {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        }
    }

    /// The last segment of the path given for this key, if there is one.
    #[must_use]
    pub fn last_segment(&self, key: &str) -> Option<&Ident> {
        match &self.find(key)?.value {
            ArgumentValue::Value(value) => match value.as_ref() {
                Expr::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reports unknown and repeated keys; `place` is the attribute as the user writes it.
    pub fn check_keys(&self, place: &str, known: &[&str], errors: &mut Vec<syn::Error>) {
        for (index, item) in self.items.iter().enumerate() {
            let key = item.text.as_str();
            if !known.contains(&key) {
                errors.push(syn::Error::new(item.key.span(), unknown_key(place, key, known)));
            } else if self.items[..index].iter().any(|earlier| earlier.text == item.text) {
                errors.push(syn::Error::new(
                    item.key.span(),
                    format!("`{key}` is given twice in `{place}`"),
                ));
            }
        }
    }
}

impl<'a> IntoIterator for &'a Arguments {
    type Item = &'a Argument;
    type IntoIter = std::slice::Iter<'a, Argument>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Argument {
    /// The literal value, if the value is one.
    #[must_use]
    pub fn literal(&self) -> Option<&Lit> {
        match &self.value {
            ArgumentValue::Value(value) => match value.as_ref() {
                Expr::Lit(ExprLit { lit, .. }) => Some(lit),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where the value stands, or the key where there is none.
    #[must_use]
    pub fn value_span(&self) -> Span {
        match &self.value {
            ArgumentValue::Value(value) => value.span(),
            ArgumentValue::Flag | ArgumentValue::List(_) | ArgumentValue::Literals(_) => {
                self.key.span()
            }
        }
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        use syn::ext::IdentExt as _;
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            ArgumentValue::Value(Box::new(value(input)?))
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            if content.peek(Lit) {
                let literals = Punctuated::<Lit, Token![,]>::parse_terminated(&content)?;
                ArgumentValue::Literals(literals.into_iter().collect())
            } else {
                ArgumentValue::List(Arguments::parse_list(&content)?)
            }
        } else {
            ArgumentValue::Flag
        };
        let text = key.to_string();
        Ok(Self { key, value, text })
    }
}

/// An expression; the commonest ones, a lone literal or name, without the parser of expressions,
/// which takes most of the time of an unoptimized macro.
fn value(input: ParseStream<'_>) -> syn::Result<Expr> {
    let alone = input.cursor().token_tree().is_some_and(|(_, rest)| {
        rest.eof() || matches!(rest.punct(), Some((punct, _)) if punct.as_char() == ',')
    });
    if alone && input.peek(Lit) {
        return Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: input.parse()? }));
    }
    if alone && input.peek(Ident) {
        let path = input.parse::<Ident>()?.into();
        return Ok(Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path }));
    }
    input.parse()
}

fn unknown_key(place: &str, key: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (distance(key, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3 + 1)
        .min();
    match nearest {
        Some((_, candidate)) => {
            format!("unknown argument `{key}` of `{place}`; did you mean `{candidate}`?")
        }
        None if known.is_empty() => format!("`{place}` takes no arguments"),
        None => format!("unknown argument `{key}` of `{place}`; it takes {}", known.join(", ")),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Arguments {
        Arguments::parse_tokens(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn every_form_is_read() {
        let arguments = parse(r#"name = "a", snapshot(every = 200, version = 1), inline,"#);
        assert_eq!(arguments.string("name").as_deref(), Some("a"));
        assert!(matches!(arguments.find("inline").unwrap().value, ArgumentValue::Flag));
        let ArgumentValue::List(inner) = &arguments.find("snapshot").unwrap().value else {
            panic!("a list was expected")
        };
        assert!(inner.find("every").unwrap().literal().is_some());
    }

    #[test]
    fn literals_are_read_and_attributes_are_joined() {
        let mut arguments = parse(r#"retired("A", "B",)"#);
        let ArgumentValue::Literals(literals) = &arguments.find("retired").unwrap().value else {
            panic!("literals were expected")
        };
        assert_eq!(literals.len(), 2);
        arguments.append(parse("version = 2"));
        assert!(arguments.find("version").is_some());
    }

    #[test]
    fn unknown_and_repeated_keys_are_all_reported() {
        let mut errors = Vec::new();
        parse("nmae = 1, version = 1, version = 2, zzzzzz").check_keys(
            "#[projector]",
            &["name", "version"],
            &mut errors,
        );
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "unknown argument `nmae` of `#[projector]`; did you mean `name`?",
                "`version` is given twice in `#[projector]`",
                "unknown argument `zzzzzz` of `#[projector]`; it takes name, version",
            ]
        );
    }
}
