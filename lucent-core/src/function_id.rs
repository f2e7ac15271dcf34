//! Functions by name, for the enum that a registry has of them.
//!
//! Invariant: names are sorted, as build.rs writes them, so a name is found without looking at all of them.

use std::fmt::Display;

/// The place of a name among sorted names.
#[must_use]
pub fn place_of(names: &[&str], name: &str) -> Option<usize> {
    names.binary_search(&name).ok()
}

/// A name that no function of a registry has.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no function is named `{name}`{}", suggestion(.nearest.as_ref()))]
pub struct UnknownFunction {
    /// The name.
    pub name: String,
    /// The name of a function that is like it, if there is one.
    pub nearest: Option<String>,
}

impl UnknownFunction {
    /// The error for a name that is none of these.
    pub fn new(name: &str, known: impl IntoIterator<Item = impl Display>) -> Self {
        let near = |known: &String| distance(known, name) <= name.len() / 3;
        let known = known.into_iter().map(|known| known.to_string()).filter(near);
        let nearest = known.min_by_key(|known| distance(known, name));
        Self { name: name.to_owned(), nearest }
    }
}

fn suggestion(nearest: Option<&String>) -> String {
    nearest.map(|nearest| format!("; is `{nearest}` meant?")).unwrap_or_default()
}

/// How many letters have to be changed, added or taken away.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, one) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, letter) in other.iter().enumerate() {
            let changed = diagonal + usize::from(one != *letter);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_at_its_place() {
        let names = ["audit", "fee", "fee_v2", "spread"];
        assert_eq!(place_of(&names, "fee_v2"), Some(2));
        assert_eq!(place_of(&names, "Fee"), None);
        assert_eq!(place_of(&[], "fee"), None);
    }

    #[test]
    fn an_unknown_name_is_reported_with_the_one_that_is_like_it() {
        let known = ["audit", "detect_arbitrage"];
        for (name, message) in [
            (
                "detect_abritrage",
                "no function is named `detect_abritrage`; is `detect_arbitrage` meant?",
            ),
            ("fee", "no function is named `fee`"),
        ] {
            assert_eq!(UnknownFunction::new(name, known).to_string(), message);
        }
    }
}
