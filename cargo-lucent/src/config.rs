//! `[package.metadata.lucent.check]`: what a package wants checked, and how strictly.
//!
//! Invariant: a key or a value that is not known is a finding, never a silence.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostic::Severity;

/// The configuration of one package.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    levels: BTreeMap<&'static str, Option<Severity>>,
    /// The convention of event names.
    pub(crate) event_names: String,
    /// Words that count as results besides the past participles that are known.
    pub(crate) results: Vec<String>,
    /// Modules that are no functional core, whatever stands in them.
    pub(crate) impure: Vec<String>,
    /// What made no sense, each the end of a sentence.
    pub(crate) problems: Vec<String>,
}

impl Config {
    /// Reads the table `[package.metadata.lucent]`.
    pub(crate) fn read(lucent: &Value) -> Self {
        let mut config = Self::default();
        let known = ["call_methods", "core", "facades", "registry", "check"];
        for (key, _) in lucent.as_object().into_iter().flatten() {
            if !known.contains(&key.as_str()) {
                config.problems.push(format!("`{key}` is unknown; there are {}", known.join(", ")));
            }
        }
        for (key, value) in lucent.get("check").and_then(Value::as_object).into_iter().flatten() {
            config.entry(key, value);
        }
        config
    }

    /// How bad findings of a group are; `None` if nobody wants to know.
    pub(crate) fn severity(&self, group: &str) -> Option<Severity> {
        self.levels.get(group).copied().flatten()
    }

    fn entry(&mut self, key: &str, value: &Value) {
        if let Some((group, _)) = GROUPS.iter().find(|(group, _)| *group == key) {
            match value.as_str() {
                Some("allow") => _ = self.levels.insert(group, None),
                Some("warn") => _ = self.levels.insert(group, Some(Severity::Warning)),
                Some("deny") => _ = self.levels.insert(group, Some(Severity::Error)),
                _ => self.problems.push(format!(
                    "`check.{key}` is {value}; it takes \"allow\", \"warn\" or \"deny\""
                )),
            }
            return;
        }
        let words = || -> Option<Vec<String>> {
            value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        };
        match (key, value.as_str(), words()) {
            ("event-names", Some(pattern), _) if is_pattern(pattern) => {
                pattern.clone_into(&mut self.event_names);
            }
            ("event-names", ..) => self.problems.push(format!(
                "`check.event-names` is {value}; it takes {{Aggregate}}, {{Action}} and {{Result}} in this order, \
                 each at most once"
            )),
            ("results", _, Some(words)) => self.results = words,
            ("impure", _, Some(modules)) => self.impure = modules,
            ("results" | "impure", ..) => {
                self.problems.push(format!("`check.{key}` is {value}; it takes a list of texts"));
            }
            _ => {
                let groups = GROUPS.iter().map(|(group, _)| *group);
                let keys: Vec<_> = groups.chain(["event-names", "results", "impure"]).collect();
                self.problems.push(format!("`check.{key}` is unknown; there are {}", keys.join(", ")));
            }
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            levels: GROUPS.iter().map(|(group, severity)| (*group, Some(*severity))).collect(),
            event_names: "{Action}{Result}".to_owned(),
            results: Vec::new(),
            impure: Vec::new(),
            problems: Vec::new(),
        }
    }
}

fn is_pattern(pattern: &str) -> bool {
    let rest = pattern.strip_prefix("{Aggregate}").unwrap_or(pattern);
    let rest = rest.strip_prefix("{Action}").unwrap_or(rest);
    let rest = rest.strip_prefix("{Result}").unwrap_or(rest);
    rest.is_empty() && !pattern.is_empty()
}

/// The groups of findings whose level can be set, and their levels by default.
const GROUPS: [(&str, Severity); 3] =
    [("naming", Severity::Warning), ("unused", Severity::Warning), ("purity", Severity::Error)];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let config = Config::read(&json!({ "registry": true, "check": {
            "naming": "deny", "unused": "allow", "event-names": "{Aggregate}{Action}{Result}",
            "results": ["Bought"], "impure": ["legacy"],
        }}));
        assert_eq!(config.severity("naming"), Some(Severity::Error));
        assert_eq!(config.severity("unused"), None);
        assert_eq!(config.severity("purity"), Some(Severity::Error));
        assert_eq!(config.event_names, "{Aggregate}{Action}{Result}");
        assert_eq!((config.results, config.impure), (vec!["Bought".into()], vec!["legacy".into()]));
        assert!(config.problems.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let config = Config::read(&json!({ "registri": true, "check": {
            "naming": "loud", "event-names": "{Result}{Action}", "results": "Bought", "puritty": "warn",
        }}));
        let says = |part: &str| config.problems.iter().any(|problem| problem.contains(part));
        assert_eq!(config.problems.len(), 5);
        assert!(says("`registri` is unknown") && says("\"loud\"") && says("in this order"));
        assert!(says("`check.results`") && says("`check.puritty` is unknown"));
    }
}
