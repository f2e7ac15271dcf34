//! The commonest `#[function]`s, without a parser: a crate may have thousands, and macros are not optimized.
//!
//! Invariant: what is emitted is what [`routed`](super::routed) emits; whatever is not read here, a
//! mistake above all, is left to that.

use lucent_syntax::{Fingerprint, registry_ident};
use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use super::listing::handshake;
use crate::root::Root;

/// What is emitted after a function on a whole event that is read by reference, of which nothing more is
/// said than its version; `None` for any other one.
pub(crate) fn quick(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    if !handshake() || !Root::is_usual() {
        return None;
    }
    let mut fingerprint = Fingerprint::default();
    let said = Said::read(arguments, &mut fingerprint)?;
    fingerprint.arguments_end();
    let function = Function::read(item, &mut fingerprint)?;
    Some(function.expand(&said, fingerprint.finish()))
}

/// The arguments.
struct Said {
    on: Vec<TokenTree>,
    version: Option<Literal>,
}

impl Said {
    /// `on = path::To::Event`, and perhaps `version = 2`.
    fn read(arguments: &TokenStream, fingerprint: &mut Fingerprint) -> Option<Self> {
        let tokens: Vec<TokenTree> = arguments.clone().into_iter().collect();
        tokens.iter().try_for_each(|token| add(token, fingerprint))?;
        let (mut on, mut version) = (None, None);
        for argument in tokens.split(|token| is(token, ',')) {
            match argument {
                [] => {}
                [key, equals, value @ ..] if is(equals, '=') && !value.is_empty() => {
                    match (key.to_string().as_str(), value) {
                        ("on", path) if on.is_none() && is_type(path) => on = Some(path.to_vec()),
                        ("version", [TokenTree::Literal(number)]) if version.is_none() => {
                            let known = number.to_string().parse::<u32>().is_ok_and(|it| it > 0);
                            version = known.then(|| number.clone());
                            version.as_ref()?;
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(Self { on: on?, version })
    }
}

/// Whether it is a path to a type, and not to a variant of one.
fn is_type(path: &[TokenTree]) -> bool {
    let names = path.iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(Some(ident.to_string())),
        other if is(other, ':') => None,
        _ => Some(None),
    });
    let Some(names) = names.collect::<Option<Vec<String>>>() else { return false };
    let before_last = names.iter().rev().nth(1);
    !before_last.is_some_and(|name| name.starts_with(char::is_uppercase) || name.starts_with("r#"))
}

/// The function, as far as its body.
struct Function {
    visibility: Vec<TokenTree>,
    ident: Ident,
    name: String,
    output: Vec<TokenTree>,
    fallible: bool,
}

impl Function {
    /// `fn name(event: &Event) -> Output`.
    fn read(item: &TokenStream, fingerprint: &mut Fingerprint) -> Option<Self> {
        let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
        tokens.pop().filter(|body| is_group(body, Delimiter::Brace))?;
        let mut rest = &tokens[..];
        while let [hash, TokenTree::Group(attribute), more @ ..] = rest
            && is(hash, '#')
        {
            let name = attribute.stream().into_iter().next()?.to_string();
            if name.starts_with("cfg") {
                return None;
            }
            rest = more;
        }
        let signature = rest.iter().position(|token| is_word(token, "fn"))?;
        let (visibility, signature) = rest.split_at(signature);
        match visibility {
            [] => {}
            [word] if is_word(word, "pub") => {}
            [word, place] if is_word(word, "pub") && is_group(place, Delimiter::Parenthesis) => {}
            _ => return None,
        }
        let [_, TokenTree::Ident(ident), TokenTree::Group(inputs), minus, greater, output @ ..] =
            signature
        else {
            return None;
        };
        let inputs_are = inputs.delimiter() == Delimiter::Parenthesis && takes_an_event(inputs);
        if !(is(minus, '-') && is(greater, '>') && inputs_are && is_owned(output)) {
            return None;
        }
        signature.iter().try_for_each(|token| add(token, fingerprint))?;
        let name = ident.to_string();
        if registry_ident(&name) != name {
            return None;
        }
        Some(Self {
            visibility: visibility.to_vec(),
            ident: ident.clone(),
            name,
            fallible: is_result(output),
            output: output.to_vec(),
        })
    }

    fn expand(&self, said: &Said, fingerprint: u64) -> TokenStream {
        let at = |place: Span| Span::mixed_site().located_at(place);
        let name = at(self.ident.span());
        let event = at(said.on.first().map_or(name, TokenTree::span));
        let output = at(self.output.first().map_or(name, TokenTree::span));
        let found = format!("{}_{fingerprint:016x}", self.name);
        let mut ident = self.ident.clone();
        ident.set_span(self.ident.span().located_at(name));

        let mut shape = Tokens::default();
        shape.code(name, "type Shape = :: lucent_core :: function :: On <");
        shape.code(name, "crate :: lucent_registry :: Home ,").more(&said.on);
        shape.code(output, ",").more(&self.output);
        if self.fallible {
            shape.code(output, ", :: lucent_core :: function :: Fallible");
        }
        shape.code(name, "> ;");
        if let Some(version) = said.version.clone().filter(|version| version.to_string() != "1") {
            shape.code(name, "const VERSION : u32 =").one(version).code(name, ";");
        }
        let mut signature = Tokens::default();
        signature.code(name, "& 'static str , u32 , fn").group(Delimiter::Parenthesis, {
            let mut event_of = Tokens::default();
            event_of.code(event, "&").more(&said.on);
            event_of
        });
        signature.code(output, "- >").more(&self.output);
        let mut says = Tokens::default();
        let line = u32::try_from(self.ident.span().line()).unwrap_or_default();
        says.one(Literal::string(&self.name)).code(name, ",");
        says.one(Literal::u32_suffixed(line)).code(name, ",").one(ident.clone());
        let mut body = Tokens::default();
        body.group(Delimiter::Parenthesis, says);
        shape.code(name, "fn function").group(Delimiter::Parenthesis, Tokens::default());
        shape.code(name, "- >").group(Delimiter::Parenthesis, signature);
        shape.group(Delimiter::Brace, body);

        let mut all = Tokens::default();
        all.more(&self.visibility);
        all.code(name, "use crate :: lucent_registry :: functions_as_build_rs_read_them ::");
        all.code(name, &found).code(name, "as").one(ident.clone());
        all.code(name, "; impl :: lucent_core :: function :: Declared for").one(ident);
        all.group(Delimiter::Brace, shape);
        all.0.into_iter().collect()
    }
}

/// Whether these are the parameters of a function on an event: one, and by reference.
fn takes_an_event(inputs: &Group) -> bool {
    let tokens: Vec<TokenTree> = inputs.stream().into_iter().collect();
    let mut tokens = &tokens[..];
    if let [before @ .., last] = tokens
        && is(last, ',')
    {
        tokens = before;
    }
    let [TokenTree::Ident(_), colon, and, ty @ ..] = tokens else { return false };
    let is_plain = |token: &TokenTree| match token {
        TokenTree::Ident(word) => !matches!(word.to_string().as_str(), "mut" | "impl" | "dyn"),
        TokenTree::Punct(punct) => !matches!(punct.as_char(), ',' | '\'' | '#' | '&'),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    };
    is(colon, ':') && is(and, '&') && !ty.is_empty() && ty.iter().all(is_plain)
}

/// Whether it is a path to a type without lifetimes.
fn is_owned(output: &[TokenTree]) -> bool {
    let is_plain = |token: &TokenTree| match token {
        TokenTree::Ident(word) => !matches!(word.to_string().as_str(), "impl" | "dyn" | "where"),
        TokenTree::Punct(punct) => matches!(punct.as_char(), ':' | '<' | '>' | ','),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    };
    matches!(output.first(), Some(TokenTree::Ident(_))) && output.iter().all(is_plain)
}

/// Whether the path to a type ends in `Result`.
fn is_result(output: &[TokenTree]) -> bool {
    let path = output.split(|token| is(token, '<')).next();
    path.and_then(<[TokenTree]>::last).is_some_and(|last| is_word(last, "Result"))
}

/// Adds a token to the fingerprint, as `lucent_syntax::fingerprint` does; `None` if it may be documentation.
fn add(token: &TokenTree, fingerprint: &mut Fingerprint) -> Option<()> {
    match token {
        TokenTree::Punct(punct) if punct.as_char() == '#' => return None,
        TokenTree::Punct(punct) => fingerprint.punct(punct.as_char()),
        TokenTree::Ident(ident) => fingerprint.ident(&ident.to_string()),
        TokenTree::Literal(literal) => fingerprint.literal(&literal.to_string()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            fingerprint.delimiter("(");
            for token in group.stream() {
                add(&token, fingerprint)?;
            }
            fingerprint.delimiter(")");
        }
        TokenTree::Group(_) => return None,
    }
    Some(())
}

fn is(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == punct)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found.to_string() == word)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

/// Tokens that are being put together.
#[derive(Default)]
struct Tokens(Vec<TokenTree>);

impl Tokens {
    /// Adds words and signs, with a space between each two.
    fn code(&mut self, place: Span, code: &str) -> &mut Self {
        for word in code.split(' ') {
            match word.as_bytes() {
                b"::" => self.punct(place, ':', Spacing::Joint).punct(place, ':', Spacing::Alone),
                b"-" => self.punct(place, '-', Spacing::Joint),
                [b'\'', ..] => {
                    self.punct(place, '\'', Spacing::Joint).one(Ident::new(&word[1..], place))
                }
                [sign] if sign.is_ascii_punctuation() => {
                    self.punct(place, char::from(*sign), Spacing::Alone)
                }
                _ => self.one(Ident::new(word, place)),
            };
        }
        self
    }

    fn punct(&mut self, place: Span, sign: char, spacing: Spacing) -> &mut Self {
        let mut punct = Punct::new(sign, spacing);
        punct.set_span(place);
        self.one(punct)
    }

    fn group(&mut self, delimiter: Delimiter, inner: Self) -> &mut Self {
        self.one(Group::new(delimiter, inner.0.into_iter().collect()))
    }

    fn more(&mut self, tokens: &[TokenTree]) -> &mut Self {
        self.0.extend_from_slice(tokens);
        self
    }

    fn one(&mut self, token: impl Into<TokenTree>) -> &mut Self {
        self.0.push(token.into());
        self
    }
}
