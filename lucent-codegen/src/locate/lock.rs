//! Who depends on whom, read from `Cargo.lock`.
//!
//! Invariant: a superset. Versions are ignored, so a package may seem to reach another that only
//! a namesake reaches; cargo is asked then, and knows better.

use std::collections::{BTreeMap, BTreeSet};

/// The edges of a lock file, by name.
#[derive(Debug, Default)]
pub(crate) struct Lock(BTreeMap<String, BTreeSet<String>>);

impl Lock {
    /// Reads the text of a lock file; lines that make no sense are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut package = None;
        let mut in_dependencies = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("[[") {
                package = None;
                in_dependencies = false;
            } else if let Some(name) = line.strip_prefix("name = ") {
                package = Some(name.trim_matches('"').to_owned());
            } else if line.starts_with("dependencies = [") {
                in_dependencies = true;
            } else if line == "]" {
                in_dependencies = false;
            } else if in_dependencies
                && let Some(package) = &package
                && let Some(name) = line.trim_matches([',', '"']).split(' ').next()
            {
                edges.entry(package.clone()).or_default().insert(name.to_owned());
            }
        }
        Self(edges)
    }

    /// Whether a package depends on another, directly or through others.
    pub(crate) fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(package) = open.pop() {
            if !seen.insert(package) {
                continue;
            }
            for next in self.0.get(package).into_iter().flatten() {
                if next == to {
                    return true;
                }
                open.push(next);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_through_the_lock_are_found() {
        let lock = Lock::parse(
            r#"
version = 4
[[package]]
name = "a"
version = "1.0.0"
dependencies = [
 "b 1.0.0",
 "a",
]
[[package]]
name = "b"
version = "1.0.0"
dependencies = [
 "lucent-core",
]
[[package]]
name = "c"
version = "1.0.0"
"#,
        );
        assert!(lock.reaches("a", "lucent-core"));
        assert!(lock.reaches("b", "lucent-core"));
        assert!(!lock.reaches("c", "lucent-core"));
        assert!(!lock.reaches("d", "lucent-core"));
    }
}
