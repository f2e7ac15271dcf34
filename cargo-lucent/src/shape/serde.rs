//! What serde's attributes say about names and fields.
//!
//! Invariant: what changes the stored form is in the result; what only changes code, such as
//! `bound` and `crate`, is not.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Lit};

use crate::survey::arguments;

/// The attributes of a container, a variant or a field.
#[derive(Debug)]
pub(super) struct Serde(Arguments);

impl Serde {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        Self(arguments(attributes, "serde"))
    }

    /// `rename = "…"`, or `rename(serialize = "…")`.
    pub(super) fn renamed(&self) -> Option<String> {
        self.text_or_nested("rename")
    }

    /// The name of a field or a variant: renamed, or by the rule of what holds it.
    pub(super) fn name_of(&self, ident: &str, rule: Option<&str>, kind: NameKind) -> String {
        self.renamed().unwrap_or_else(|| {
            rule.map_or_else(|| ident.to_owned(), |rule| apply(rule, ident, kind))
        })
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.0.find(key)?.literal()? {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        }
    }

    pub(super) fn text_or_nested(&self, key: &str) -> Option<String> {
        match &self.0.find(key)?.value {
            ArgumentValue::List(list) => {
                list.string("serialize").or_else(|| list.string("deserialize"))
            }
            _ => self.text(key),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.find(key).is_some()
    }

    /// Whether the field is neither written nor read.
    pub(super) fn is_skipped(&self) -> bool {
        self.has("skip") || (self.has("skip_serializing") && self.has("skip_deserializing"))
    }

    /// What else changes the stored form, sorted.
    pub(super) fn notes(&self, keys: &[&str]) -> Vec<String> {
        let mut notes: Vec<String> = self
            .0
            .iter()
            .filter(|argument| keys.iter().any(|key| argument.key == key))
            .map(|argument| match &argument.value {
                ArgumentValue::Value(value) => {
                    format!("{} = {}", argument.key, one_line(&value.to_token_stream()))
                }
                _ => argument.key.to_string(),
            })
            .collect();
        notes.sort();
        notes
    }
}

/// Which of serde's renaming rules applies.
#[derive(Clone, Copy, Debug)]
pub(super) enum NameKind {
    Field,
    Variant,
}

fn one_line(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Serde's `rename_all`.
fn apply(rule: &str, ident: &str, kind: NameKind) -> String {
    let words: Vec<String> = match kind {
        NameKind::Field => {
            ident.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
        NameKind::Variant => words_of(ident),
    };
    let lower = || words.iter().map(|word| word.to_lowercase());
    let capital = |word: String| {
        let mut chars = word.chars();
        chars
            .next()
            .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
            .unwrap_or_default()
    };
    let joined = |separator: &str| lower().collect::<Vec<_>>().join(separator);
    match (rule, kind) {
        ("lowercase", NameKind::Field) | ("snake_case", NameKind::Field) => ident.to_owned(),
        ("PascalCase", NameKind::Variant) => ident.to_owned(),
        ("lowercase", _) => ident.to_lowercase(),
        ("UPPERCASE", _) => ident.to_uppercase(),
        ("PascalCase", _) => lower().map(capital).collect(),
        ("camelCase", _) => lower()
            .enumerate()
            .map(|(index, word)| if index == 0 { word } else { capital(word) })
            .collect(),
        ("snake_case", _) => joined("_"),
        ("SCREAMING_SNAKE_CASE", _) => joined("_").to_uppercase(),
        ("kebab-case", _) => joined("-"),
        ("SCREAMING-KEBAB-CASE", _) => joined("-").to_uppercase(),
        _ => ident.to_owned(),
    }
}

/// Serde breaks a variant's name before each capital letter.
fn words_of(ident: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in ident.chars() {
        if c.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_serdes_rules() {
        let field = |rule| apply(rule, "total_price", NameKind::Field);
        let variant = |rule| apply(rule, "NotFound", NameKind::Variant);
        assert_eq!(field("camelCase"), "totalPrice");
        assert_eq!(field("PascalCase"), "TotalPrice");
        assert_eq!(field("kebab-case"), "total-price");
        assert_eq!(field("SCREAMING_SNAKE_CASE"), "TOTAL_PRICE");
        assert_eq!(field("snake_case"), "total_price");
        assert_eq!(variant("camelCase"), "notFound");
        assert_eq!(variant("snake_case"), "not_found");
        assert_eq!(variant("lowercase"), "notfound");
        assert_eq!(variant("SCREAMING-KEBAB-CASE"), "NOT-FOUND");
        assert_eq!(variant("PascalCase"), "NotFound");
    }
}
