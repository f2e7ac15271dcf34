//! The convention of event names.
//!
//! Invariant: a name is split into words at its capital letters; the last word of an event that
//! happened is a past participle.

use std::collections::BTreeMap;

use lucent_syntax::ArgumentValue;

use crate::{
    config::Config,
    diagnostic::{Code, Diagnostic},
    survey::{Event, Message, Survey, aggregates, arguments, events},
};

/// Checks the name of every event.
pub(super) fn check(survey: &Survey) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let aggregates = aggregates_by_event(survey);
    for event in events(survey) {
        let located = &survey.workspace.packages[event.set.package];
        let Some(severity) = located.config.severity("naming").filter(|_| located.is_checked())
        else {
            continue;
        };
        let aggregate = aggregate_of(&aggregates, &event);
        if let Some(problem) = problem(&event.name, aggregate.as_deref(), &located.config) {
            let message = format!("the event `{}` {problem}", event.name);
            findings.push(
                Diagnostic::new(Code::EVENT_NAME, severity, message)
                    .at(event.place.clone(), format!("the convention is `{}`", located.config.event_names))
                    .help("rename the variant; what is stored under the old name stays readable with `#[event(name = \"…\")]`")
                    .help("or change the convention: `event-names` and `results` in `[package.metadata.lucent.check]`"),
            );
        }
    }
    findings
}

/// The names of aggregates by the types of their events.
fn aggregates_by_event(survey: &Survey) -> BTreeMap<String, String> {
    let named = |aggregate: &Message<'_>| {
        let arguments = arguments(aggregate.of.attributes(), "aggregate");
        let event = arguments.find("event").and_then(|argument| match &argument.value {
            ArgumentValue::Value(value) => match &**value {
                syn::Expr::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
                _ => None,
            },
            _ => None,
        });
        event.unwrap_or_else(|| format!("{}Event", aggregate.of.ident))
    };
    let all = aggregates(survey).into_iter();
    all.map(|aggregate| (named(&aggregate), aggregate.of.ident.clone())).collect()
}

/// The name that `{Aggregate}` stands for: that of the aggregate, or of the enum without `Event`.
fn aggregate_of(aggregates: &BTreeMap<String, String>, event: &Event<'_>) -> Option<String> {
    let of_enum = || event.set.ident.strip_suffix("Event").map(str::to_owned);
    let found = aggregates.get(&event.set.ident).cloned().or_else(of_enum);
    found.filter(|name| !name.is_empty())
}

/// What is wrong with a name, as the end of a sentence.
fn problem(name: &str, aggregate: Option<&str>, config: &Config) -> Option<String> {
    let pattern = config.event_names.as_str();
    let mut rest = name;
    if pattern.contains("{Aggregate}")
        && let Some(aggregate) = aggregate
    {
        match name.strip_prefix(aggregate) {
            Some(after) => rest = after,
            None => return Some(format!("does not start with its aggregate, `{aggregate}`")),
        }
    }
    let words = words(rest);
    if !pattern.contains("{Result}") {
        return words.is_empty().then(|| "says only which aggregate it is about".to_owned());
    }
    match words.last() {
        Some(last) if is_result(last, config) => None,
        Some(last) => Some(format!("does not say what happened: `{last}` is no past participle")),
        None => Some("says only which aggregate it is about".to_owned()),
    }
}

fn is_result(word: &str, config: &Config) -> bool {
    config.results.iter().any(|known| known == word)
        || word.ends_with("ed")
        || IRREGULAR.iter().any(|known| word.to_lowercase().ends_with(known))
}

/// `TradeExecuted` is `Trade`, `Executed`.
fn words(name: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = name
        .char_indices()
        .filter(|(_, c)| c.is_uppercase() || *c == '_')
        .map(|(index, _)| index)
        .collect();
    if starts.first() != Some(&0) && !name.is_empty() {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([name.len()]);
    starts.iter().zip(ends).map(|(start, end)| name[*start..end].trim_matches('_')).collect()
}

/// Past participles that do not end in `ed`; a word may end in one, as `overdrawn` does.
const IRREGULAR: &[&str] = &[
    "become",
    "begun",
    "born",
    "bought",
    "bound",
    "broken",
    "brought",
    "built",
    "caught",
    "chosen",
    "come",
    "cut",
    "dealt",
    "done",
    "drawn",
    "driven",
    "fallen",
    "felt",
    "forbidden",
    "forgotten",
    "found",
    "frozen",
    "given",
    "gone",
    "grown",
    "heard",
    "held",
    "hidden",
    "hit",
    "kept",
    "known",
    "laid",
    "learnt",
    "led",
    "left",
    "lent",
    "let",
    "lost",
    "made",
    "meant",
    "met",
    "paid",
    "put",
    "read",
    "reset",
    "risen",
    "run",
    "said",
    "seen",
    "sent",
    "set",
    "shown",
    "shrunk",
    "shut",
    "sold",
    "spent",
    "split",
    "spoken",
    "stolen",
    "struck",
    "stuck",
    "sunk",
    "taken",
    "thrown",
    "told",
    "torn",
    "understood",
    "undone",
    "won",
    "worn",
    "written",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(name: &str, pattern: &str) -> Option<String> {
        let config =
            Config::read(&json!({ "check": { "event-names": pattern, "results": ["Live"] } }));
        problem(name, Some("Order"), &config)
    }

    #[test]
    fn an_event_says_what_happened() {
        for name in
            ["OrderPlaced", "MoneyWithdrawn", "Paid", "AccountOverdrawn", "HTTPCalled", "WentLive"]
        {
            assert_eq!(says(name, "{Action}{Result}"), None, "{name}");
        }
        let problem = says("PlaceOrder", "{Action}{Result}").unwrap();
        assert!(problem.contains("`Order` is no past participle"), "{problem}");
    }

    #[test]
    fn a_convention_may_ask_for_the_aggregate() {
        let pattern = "{Aggregate}{Action}{Result}";
        assert_eq!(says("OrderPlaced", pattern), None);
        assert_eq!(says("OrderPaymentReceived", pattern), None);
        assert!(says("PaymentReceived", pattern).unwrap().contains("its aggregate, `Order`"));
        assert!(says("Order", pattern).unwrap().contains("only which aggregate"));
        assert!(says("OrderPlacing", pattern).is_some());
    }

    #[test]
    fn a_convention_may_leave_the_result_out() {
        assert_eq!(says("OrderPlacing", "{Aggregate}{Action}"), None);
        assert_eq!(says("Tick", "{Action}"), None);
    }
}
