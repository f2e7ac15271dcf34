//! Three-valued evaluation of `cfg` predicates.
//!
//! Invariant: only used to decide whether a missing file matters. What is emitted keeps its
//! conditions; rustc alone judges them.

use std::collections::BTreeMap;

/// The variables that cargo sets for a build script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables of this process that describe target and features.
    pub(crate) fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(key, value)| {
                    Some((key.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(key, _)| {
                    key.starts_with("CARGO_CFG_")
                        || key.starts_with("CARGO_FEATURE_")
                        || key == "TARGET"
                })
                .collect(),
        )
    }

    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether cargo switched this feature of the package on.
    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.0.contains_key(&format!("CARGO_FEATURE_{}", variable(name)))
    }

    /// Everything, in a stable order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether a predicate holds; `None` where only rustc knows.
    pub(crate) fn evaluate(&self, predicate: &str) -> Option<bool> {
        let mut parser = Parser { rest: predicate, environment: self, depth: 0 };
        let value = parser.predicate()?;
        parser.rest.trim_start().is_empty().then_some(value)?
    }

    /// Whether some predicate of a stack certainly fails.
    pub(crate) fn refutes(&self, cfg: &[String]) -> bool {
        cfg.iter().any(|predicate| self.evaluate(predicate) == Some(false))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match name {
            "true" => Some(true),
            "false" => Some(false),
            "unix" | "windows" if self.knows_target() => {
                Some(self.0.contains_key(&format!("CARGO_CFG_{}", variable(name))))
            }
            _ => self.0.contains_key(&format!("CARGO_CFG_{}", variable(name))).then_some(true),
        }
    }

    fn pair(&self, key: &str, value: &str) -> Option<bool> {
        match key {
            "feature" if self.knows_target() => Some(self.has_feature(value)),
            "target_arch"
            | "target_endian"
            | "target_env"
            | "target_family"
            | "target_os"
            | "target_pointer_width"
            | "target_vendor"
                if self.knows_target() =>
            {
                let actual = self.get(&format!("CARGO_CFG_{}", variable(key)))?;
                Some(actual.split(',').any(|actual| actual == value))
            }
            _ => None,
        }
    }

    fn knows_target(&self) -> bool {
        self.0.contains_key("CARGO_CFG_TARGET_OS")
    }
}

/// Reads a predicate; the outer `Option` is syntax, the inner one is knowledge.
struct Parser<'a> {
    rest: &'a str,
    environment: &'a Environment,
    depth: usize,
}

impl Parser<'_> {
    fn predicate(&mut self) -> Option<Option<bool>> {
        if self.depth > MAX_DEPTH {
            return None;
        }
        let name = self.word()?;
        if self.eat('(') {
            self.depth += 1;
            let value = self.list(&name);
            self.depth -= 1;
            return value;
        }
        if self.eat('=') {
            let value = self.string()?;
            return Some(self.environment.pair(&name, &value));
        }
        Some(self.environment.flag(&name))
    }

    fn list(&mut self, operator: &str) -> Option<Option<bool>> {
        let mut values = Vec::new();
        while !self.eat(')') {
            values.push(self.predicate()?);
            if !self.eat(',') {
                if self.eat(')') {
                    break;
                }
                return None;
            }
        }
        let all = |wanted: bool| values.iter().all(|value| *value == Some(wanted));
        let some = |wanted: bool| values.contains(&Some(wanted));
        Some(match operator {
            "all" if some(false) => Some(false),
            "all" => all(true).then_some(true),
            "any" if some(true) => Some(true),
            "any" => all(false).then_some(false),
            "not" if values.len() == 1 => values[0].map(|value| !value),
            _ => None,
        })
    }

    fn word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let end =
            self.rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn eat(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let content = self.rest.strip_prefix('"')?;
        let end = content.find('"')?;
        self.rest = &content[end + 1..];
        Some(content[..end].to_owned())
    }
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn linux() -> Environment {
        Environment::of(&[
            ("CARGO_CFG_UNIX", ""),
            ("CARGO_CFG_TARGET_OS", "linux"),
            ("CARGO_CFG_TARGET_FAMILY", "unix"),
            ("CARGO_FEATURE_FAST_PATH", "1"),
        ])
    }

    #[test]
    fn what_cargo_tells_is_known() {
        let known = [
            ("unix", true),
            ("windows", false),
            ("target_os = \"linux\"", true),
            ("feature = \"fast-path\"", true),
            ("feature = \"slow\"", false),
            ("all(unix, not(feature = \"slow\"),)", true),
            ("any(windows, target_os = \"macos\")", false),
            ("all(windows, loom)", false),
            ("any(unix, loom)", true),
        ];
        for (predicate, expected) in known {
            assert_eq!(linux().evaluate(predicate), Some(expected), "{predicate}");
        }
    }

    #[test]
    fn the_rest_is_undetermined() {
        for predicate in
            ["test", "loom", "not(test)", "all(unix, test)", "all(", "x(y)", "unix unix"]
        {
            assert_eq!(linux().evaluate(predicate), None, "{predicate}");
        }
        assert_eq!(Environment::default().evaluate("unix"), None);
    }
}
