//! The connection string, and what it says about encryption.
//!
//! Invariant: what the string asks of the server's certificate is checked or refused, never left out.

use std::{error::Error as _, path::PathBuf};

use lucent_core::store::StoreError;
use tokio_postgres::{Config, config::SslMode};

/// What a connection string says.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) trust: Trust,
}

/// What the server's certificate has to prove, if the connection is encrypted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Trust {
    pub(crate) proof: Proof,
    /// The authorities that may sign it; those of the system if nothing is said.
    pub(crate) authorities: Option<PathBuf>,
}

/// How much a certificate has to prove.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Proof {
    /// Whoever answers is trusted, as libpq does it for `sslmode=prefer` and `require`.
    #[default]
    Nothing,
    /// That an authority signed it.
    Authority,
    /// That an authority signed it for the host that was asked for.
    Host,
}

impl Address {
    /// Reads a connection string. What it says may hold a password, so errors do not show it.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let mut trust = Trust::default();
        let mut mode = None;
        let rest = take(text, |key, value| {
            match (key, value.as_str()) {
                ("sslmode", "verify-ca") => trust.proof = Proof::Authority,
                ("sslmode", "verify-full") => trust.proof = Proof::Host,
                ("sslrootcert", "system") => return true,
                ("sslrootcert", _) => {
                    trust.authorities = Some(value.into());
                    return true;
                }
                _ => return false,
            }
            mode = Some(SslMode::Require);
            true
        });
        let mut config: Config = rest.parse().map_err(|error| unreadable(&error))?;
        if let Some(mode) = mode {
            config.ssl_mode(mode);
        }
        if trust.authorities.is_some() && config.get_ssl_mode() == SslMode::Require {
            // As libpq does it: who names authorities wants them to be asked.
            trust.proof = std::cmp::max(trust.proof, Proof::Authority);
        }
        Ok(Self { config, trust })
    }
}

fn unreadable(error: &tokio_postgres::Error) -> StoreError {
    let reason = match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    StoreError::Inaccessible {
        location: "the given address".to_owned(),
        reason,
        remedy: "write it as `postgres://user:password@host:port/database`".to_owned(),
    }
}

/// Hands each setting to a function; gives the text without those that it took.
fn take(text: &str, taken: impl FnMut(&str, String) -> bool) -> String {
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match (is_url, text.split_once('?')) {
        (true, None) => text.to_owned(),
        (true, Some((start, settings))) => take_from_url(start, settings, taken),
        (false, _) => take_from_words(text, taken),
    }
}

fn take_from_url(
    start: &str,
    settings: &str,
    mut taken: impl FnMut(&str, String) -> bool,
) -> String {
    let kept = settings.split('&').filter(|setting| {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        !taken(key, decode(value))
    });
    let kept = kept.collect::<Vec<_>>().join("&");
    if kept.is_empty() { start.to_owned() } else { format!("{start}?{kept}") }
}

/// The text with its `%20` and the like replaced; what makes no sense stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Settings of the form `key = 'value'`, where quotes are needed for values with spaces only.
fn take_from_words(text: &str, mut taken: impl FnMut(&str, String) -> bool) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, length) = first_value(after);
        if !taken(key.trim(), value) {
            kept.push_str(key.trim());
            kept.push('=');
            kept.push_str(&after[..length]);
            kept.push(' ');
        }
        rest = &after[length..];
    }
    kept + rest
}

/// The value at the start of a text, and how long it is as it is written there.
fn first_value(text: &str) -> (String, usize) {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut letters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' if quoted => return (value, at + 1),
            letter if letter.is_whitespace() && !quoted => return (value, at),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (SslMode, Proof, Option<String>) {
        let Address { config, trust } = Address::parse(text).unwrap();
        let authorities = trust.authorities.map(|path| path.display().to_string());
        (config.get_ssl_mode(), trust.proof, authorities)
    }

    #[test]
    fn both_forms_say_how_to_encrypt() {
        let cases = [
            ("", SslMode::Prefer, Proof::Nothing),
            ("sslmode=disable", SslMode::Disable, Proof::Nothing),
            ("sslmode=require", SslMode::Require, Proof::Nothing),
            ("sslmode=verify-ca", SslMode::Require, Proof::Authority),
            ("sslmode=verify-full", SslMode::Require, Proof::Host),
        ];
        for (setting, mode, proof) in cases {
            let url = format!("postgres://me:secret@host/db?connect_timeout=3&{setting}");
            let url = url.trim_end_matches('&');
            assert_eq!(parsed(url), (mode, proof, None), "{url}");
            let words = format!("host=host user = me {setting} password='se cr\\'et' dbname=db");
            assert_eq!(parsed(&words), (mode, proof, None), "{words}");
            let config = Address::parse(&words).unwrap().config;
            assert_eq!(config.get_password(), Some(&b"se cr'et"[..]), "{words}");
            assert_eq!(config.get_dbname(), Some("db"), "{words}");
        }
    }

    #[test]
    fn who_names_authorities_wants_them_to_be_asked() {
        let path = Some("/a b/ca.pem".to_owned());
        let words = "host=h user=u sslmode=require sslrootcert='/a b/ca.pem'";
        assert_eq!(parsed(words), (SslMode::Require, Proof::Authority, path.clone()));
        let url = "postgres://u@h/d?sslrootcert=/a%20b/ca.pem&sslmode=verify-full";
        assert_eq!(parsed(url), (SslMode::Require, Proof::Host, path));
        let url = "postgres://u@h/d?sslrootcert=system&sslmode=verify-full";
        assert_eq!(parsed(url), (SslMode::Require, Proof::Host, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused_without_showing_the_password() {
        for text in ["nothing", "postgres://u:secret@h/d?sslmode=verify", "user='secret"] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, StoreError::Inaccessible { .. }), "{error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
