//! From a function to its name in the registry, and from that to an identifier.

use syn::{Ident, Lit};

use crate::{Argument, Arguments};

/// The registry name of a function: the attribute's `name = "…"`, or the function's identifier.
///
/// An edition of another function, `of = fee, version = 2, variant = "b"`, is `fee@v2-b`.
#[must_use]
pub fn registry_name(arguments: &Arguments, function: &Ident) -> String {
    let name = arguments.string("name");
    let Some(of) = arguments.last_segment("of") else {
        return name.unwrap_or_else(|| plain(function));
    };
    let version = match arguments.find("version").and_then(Argument::literal) {
        Some(Lit::Int(version)) => version.base10_digits().to_owned(),
        _ => "1".to_owned(),
    };
    let of = name.unwrap_or_else(|| plain(of));
    match arguments.string("variant") {
        Some(variant) => format!("{of}@v{version}-{variant}"),
        None => format!("{of}@v{version}"),
    }
}

fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or_else(|| text.clone(), str::to_owned)
}

/// The identifier that stands for a registry name: characters that cannot stand in one become `_`.
#[must_use]
pub fn registry_ident(name: &str) -> String {
    let mut ident: String =
        name.chars().map(|c| if c == '_' || c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if ident.is_empty() || ident.starts_with(|c: char| c.is_ascii_digit()) {
        ident.insert(0, '_');
    }
    if ident == "_" || KEYWORDS.contains(&ident.as_str()) {
        return format!("{ident}_");
    }
    ident
}

/// `AccountView` becomes `account_view`.
#[must_use]
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (index, &c) in chars.iter().enumerate() {
        if c.is_uppercase() {
            let after_lower =
                index > 0 && !chars[index - 1].is_uppercase() && chars[index - 1] != '_';
            let before_lower = index > 0
                && chars[index - 1].is_uppercase()
                && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
            if after_lower || before_lower {
                snake.push('_');
            }
            snake.extend(c.to_lowercase());
        } else {
            snake.push(c);
        }
    }
    snake
}

/// The variant that stands for a registry identifier: `detect_arbitrage` becomes `DetectArbitrage`. Digits
/// that an underscore keeps apart stay apart, as in `V1_2`.
#[must_use]
pub fn variant_ident(ident: &str) -> String {
    let mut variant = String::with_capacity(ident.len() + 1);
    for word in ident.split('_').filter(|word| !word.is_empty()) {
        if variant.ends_with(is_digit) && word.starts_with(is_digit) {
            variant.push('_');
        }
        let (first, rest) = word.split_at(1);
        variant.push_str(&first.to_ascii_uppercase());
        variant.push_str(rest);
    }
    if variant.is_empty() || variant.starts_with(is_digit) {
        variant.insert(0, '_');
    }
    // The only word in camel case that is no identifier, and the underscore, which is none either.
    if variant == "Self" || variant == "_" {
        variant.push('_');
    }
    variant
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// What is no identifier in any edition.
const KEYWORDS: [&str; 52] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identifier_gets_an_underscore_and_nothing_else_does() {
        for word in KEYWORDS {
            assert_eq!(registry_ident(word), format!("{word}_"));
        }
        for word in ["union", "default", "auto", "fee", "r", "raw", "safe", "macro_rules"] {
            assert_eq!(registry_ident(word), word);
            assert!(syn::parse_str::<Ident>(word).is_ok());
        }
    }

    #[test]
    fn names_become_identifiers() {
        assert_eq!(registry_ident("accounts"), "accounts");
        assert_eq!(registry_ident("account-balances.v2"), "account_balances_v2");
        assert_eq!(registry_ident("2fast"), "_2fast");
        assert_eq!(registry_ident("move"), "move_");
        assert_eq!(registry_ident(""), "__");
    }

    #[test]
    fn an_edition_is_named_after_its_function_its_version_and_its_variant() {
        let name = |arguments: &str| {
            let arguments = Arguments::parse_tokens(arguments.parse().unwrap()).unwrap();
            registry_name(&arguments, &syn::parse_str("fee_old").unwrap())
        };
        assert_eq!(name("version = 2"), "fee_old");
        assert_eq!(name("of = super::fee, version = 2"), "fee@v2");
        assert_eq!(name(r#"of = fee, version = 2, variant = "b""#), "fee@v2-b");
        assert_eq!(name(r#"of = fee, name = "maker-fee""#), "maker-fee@v1");
        assert_eq!(registry_ident("fee@v2-b"), "fee_v2_b");
    }

    #[test]
    fn identifiers_become_variants() {
        for (ident, variant) in [
            ("fee", "Fee"),
            ("detect_arbitrage", "DetectArbitrage"),
            ("fee_v2", "FeeV2"),
            ("v1_2", "V1_2"),
            ("v12", "V12"),
            ("_2fast", "_2fast"),
            ("makerFee", "MakerFee"),
            ("self_", "Self_"),
            ("move_", "Move"),
            ("__", "__"),
        ] {
            assert_eq!(variant_ident(ident), variant);
            assert!(syn::parse_str::<Ident>(variant).is_ok(), "{variant}");
        }
    }

    #[test]
    fn type_names_become_snake_case() {
        assert_eq!(snake_case("AccountView"), "account_view");
        assert_eq!(snake_case("HTTPServer"), "http_server");
        assert_eq!(snake_case("Order2Line"), "order2_line");
    }
}
