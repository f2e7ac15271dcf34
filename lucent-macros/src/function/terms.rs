//! The arguments of `#[function]` that say on which terms it runs.
//!
//! Invariant: durations and sizes are read here, so that a mistake in one is reported on its text.

use std::time::Duration;

use lucent_syntax::{Argument, ArgumentValue, Arguments, parse_bytes, parse_duration};
use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Expr, Ident, Lit, LitStr};

use crate::{
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

/// `Terms`: what is said of one edition; `None` if nothing is.
pub(super) fn terms(
    root: &Root,
    arguments: &Arguments,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let deadline = quantity(arguments.find("deadline"), "deadline", "50ms", parse_duration, errors);
    let (cpu, memory) = needs(arguments, errors);
    let fallback = fallback(arguments, errors);
    if deadline.is_none() && cpu.is_none() && memory.is_none() && fallback.is_none() {
        return None;
    }
    let (deadline, cpu) = (nanos(root, deadline), nanos(root, cpu));
    let p = root.private();
    let (memory, fallback) = (option(root, memory), option(root, fallback));
    Some(quote_spanned!(mixed()=> #p::terms(#deadline, #cpu, #memory, #fallback)))
}

/// `Declaration`: what is said once of a function, for all of its editions; `None` if nothing is.
pub(super) fn declaration(
    root: &Root,
    arguments: &Arguments,
    errors: &mut Errors,
) -> Option<TokenStream> {
    if !["priority", "deny", "tags", "shard_by"].iter().any(|key| arguments.find(key).is_some()) {
        return None;
    }
    let p = root.private();
    let priority = priority(root, arguments, errors);
    let denied = denied(arguments, errors);
    let tags = tags(arguments, errors);
    let sharded = arguments.find("shard_by").is_some();
    Some(quote_spanned! {mixed()=>
        #p::declaration(#priority, &[#(#denied),*], &[#(#tags),*], #sharded)
    })
}

fn priority(root: &Root, arguments: &Arguments, errors: &mut Errors) -> TokenStream {
    const EXAMPLE: &str = "`priority` is one of `Critical`, `High`, `Normal` and `Low`";
    let Some(argument) = arguments.find("priority") else {
        return quote_spanned!(mixed()=> #root::function::Priority::Normal);
    };
    let named = match &argument.value {
        ArgumentValue::Value(value) => match &**value {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        },
        _ => None,
    };
    match named {
        Some(named) if ["Critical", "High", "Normal", "Low"].iter().any(|one| named == one) => {
            let place = at(named);
            let root = root.at(place);
            quote_spanned!(place=> #root::function::Priority::#named)
        }
        _ => {
            errors.at(argument.value_span(), EXAMPLE);
            TokenStream::new()
        }
    }
}

/// `needs(cpu = "2ms", memory = "4MiB")`.
fn needs(arguments: &Arguments, errors: &mut Errors) -> (Option<Duration>, Option<u64>) {
    let Some(argument) = arguments.find("needs") else {
        return (None, None);
    };
    let ArgumentValue::List(needs) = &argument.value else {
        let message = "`needs` takes a list: write `needs(cpu = \"2ms\", memory = \"4MiB\")`";
        errors.at(argument.value_span(), message);
        return (None, None);
    };
    needs.check_keys("needs(…)", &["cpu", "memory"], errors.list());
    let cpu = quantity(needs.find("cpu"), "cpu", "2ms", parse_duration, errors);
    let memory = quantity(needs.find("memory"), "memory", "4MiB", parse_bytes, errors);
    (cpu, memory)
}

fn quantity<T>(
    argument: Option<&Argument>,
    key: &str,
    example: &str,
    parse: fn(&str) -> Result<T, String>,
    errors: &mut Errors,
) -> Option<T> {
    let argument = argument?;
    let Some(Lit::Str(text)) = argument.literal() else {
        let message = format!("`{key}` takes a text: write `{key} = \"{example}\"`");
        errors.at(argument.value_span(), message);
        return None;
    };
    let parsed = parse(&text.value());
    parsed.map_err(|fault| errors.at(text.span(), fault)).ok()
}

/// `fallback = v2`.
fn fallback(arguments: &Arguments, errors: &mut Errors) -> Option<u32> {
    let argument = arguments.find("fallback")?;
    let version = match &argument.value {
        ArgumentValue::Value(value) => match &**value {
            Expr::Path(path) => path.path.get_ident().and_then(version_of),
            _ => None,
        },
        _ => None,
    };
    if version.is_none() {
        let message =
            "`fallback` takes the version that runs while this one cannot: write `fallback = v2`";
        errors.at(argument.value_span(), message);
    }
    version
}

/// `v2` is 2.
fn version_of(ident: &Ident) -> Option<u32> {
    ident.to_string().strip_prefix('v')?.parse().ok().filter(|version| *version > 0)
}

/// `deny(jurisdiction = ["US-NY"])`.
fn denied(arguments: &Arguments, errors: &mut Errors) -> Vec<LitStr> {
    const EXAMPLE: &str = "write `deny(jurisdiction = [\"US-NY\"])`";
    let Some(argument) = arguments.find("deny") else {
        return Vec::new();
    };
    let ArgumentValue::List(list) = &argument.value else {
        errors.at(argument.value_span(), format!("`deny` takes a list: {EXAMPLE}"));
        return Vec::new();
    };
    list.check_keys("deny(…)", &["jurisdiction"], errors.list());
    let Some(jurisdictions) = list.find("jurisdiction") else {
        errors.at(argument.key.span(), format!("`deny` says nothing: {EXAMPLE}"));
        return Vec::new();
    };
    let values: Vec<&Expr> = match &jurisdictions.value {
        ArgumentValue::Value(value) => match &**value {
            Expr::Array(array) => array.elems.iter().collect(),
            one => vec![one],
        },
        _ => Vec::new(),
    };
    if values.is_empty() {
        let message = format!("`jurisdiction` takes texts: {EXAMPLE}");
        errors.at(jurisdictions.value_span(), message);
    }
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) if !text.value().is_empty() => texts.push(text.clone()),
                other => errors.on(other, format!("a jurisdiction is a text: {EXAMPLE}")),
            },
            other => errors.on(other, format!("a jurisdiction is a text: {EXAMPLE}")),
        }
    }
    texts
}

/// `tags("arbitrage", "eu")`.
fn tags(arguments: &Arguments, errors: &mut Errors) -> Vec<LitStr> {
    let Some(argument) = arguments.find("tags") else {
        return Vec::new();
    };
    let ArgumentValue::Literals(literals) = &argument.value else {
        errors.at(argument.value_span(), "`tags` takes texts: write `tags(\"arbitrage\")`");
        return Vec::new();
    };
    let mut tags = Vec::with_capacity(literals.len());
    for literal in literals {
        match literal {
            Lit::Str(text) if !text.value().is_empty() => tags.push(text.clone()),
            other => errors.on(other, "a tag is a text: write `tags(\"arbitrage\")`"),
        }
    }
    tags
}

/// The name of a variant: `variant = "b"`.
pub(super) fn variant(arguments: &Arguments, errors: &mut Errors) -> Option<String> {
    let text = input::text(arguments, "variant", errors)?;
    let name = text.value();
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message =
            "the name of a variant is made of letters, digits and `_`: write `variant = \"b\"`";
        errors.at(text.span(), message);
    }
    Some(name)
}

fn nanos(root: &Root, duration: Option<Duration>) -> TokenStream {
    option(root, duration.map(|duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}

fn option<T: quote::ToTokens>(root: &Root, value: Option<T>) -> TokenStream {
    let p = root.private();
    match value {
        Some(value) => quote_spanned!(mixed()=> #p::Option::Some(#value)),
        None => quote_spanned!(mixed()=> #p::Option::None),
    }
}
