//! The tables of a ledger, and how they come to be.
//!
//! Invariant: a schema is at exactly one version; a step to the next one happens under a lock, in
//! one transaction, or not at all.

mod layout;
mod migrate;

use std::sync::Arc;

use lucent_core::store::StoreError;

pub(crate) use layout::{Layout, make_partitions, refuse_missing_partitions};
pub(crate) use migrate::{SUPPORTED, migrate, verify};

/// The name of a schema, safe to put into SQL.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    name: Arc<str>,
    quoted: Arc<str>,
}

impl Schema {
    /// Checks a name: lower-case letters, digits and underscores, at most 63 bytes as PostgreSQL
    /// has it.
    pub(crate) fn new(name: &str) -> Result<Self, StoreError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        if !starts || !name.chars().all(plain) || name.len() > 63 || name.starts_with("pg_") {
            return Err(StoreError::NotAStore {
                location: format!("schema `{}`", name.chars().take(80).collect::<String>()),
                reason: "schema and ledger must make a name of lower-case letters, digits and \
                         underscores, of at most 63 bytes, that does not start with `pg_`"
                    .to_owned(),
            });
        }
        Ok(Self { name: name.into(), quoted: format!("\"{name}\"").into() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name as SQL takes it.
    pub(crate) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// The channel on which new events are announced.
    pub(crate) fn channel(&self) -> &str {
        &self.quoted
    }

    /// The SQL with `{schema}` replaced.
    pub(crate) fn fill(&self, sql: &str) -> String {
        sql.replace("{schema}", &self.quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_sql_are_refused() {
        for name in ["lucent", "a_1", "_x"] {
            assert!(Schema::new(name).is_ok(), "{name}");
        }
        for name in ["", "A", "a b", "a\"b", "a;b", "1a", "pg_x", "ä", &"x".repeat(64)] {
            assert!(Schema::new(name).is_err(), "{name}");
        }
    }
}
