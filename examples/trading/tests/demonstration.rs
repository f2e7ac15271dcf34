//! The demonstration, as a user runs it.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trading")).args(arguments).output().unwrap()
}

fn shown() -> String {
    let output = run(&["demonstrate"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What is shown from one line on, up to another one.
fn between<'t>(text: &'t str, first: &str, last: &str) -> &'t str {
    let start = text.find(first).unwrap_or_else(|| panic!("{first} is missing in\n{text}"));
    let rest = &text[start..];
    &rest[..rest.find(last).unwrap_or_else(|| panic!("{last} is missing in\n{rest}"))]
}

#[test]
fn each_order_changes_what_the_calls_after_it_get() {
    let text = shown();
    assert_eq!(between(&text, "\n2000-01 ", "\n\n"), "\n2000-01 to 2001-12\n    96  v2 (current)");
    assert_eq!(between(&text, "\n2002-01 ", "\n\n"), "\n2002-01 to 2003-12\n    96  v1 (current)");
    assert_eq!(
        between(&text, "\n2004-01 ", "\n\n"),
        "\n2004-01 to 2004-12\n    41  v2 (not-included)\n    12  v2-calm (included)"
    );
    assert_eq!(
        between(&text, "\n2005-01 ", "\n\n"),
        "\n2005-01 to 2005-12\n    36  v2 (not-included)\n    24  v2-calm (included)"
    );
    assert_eq!(between(&text, "\n2006-01 ", "\n\n"), "\n2006-01 to 2006-12\n    60  v2 (current)");
    let failed = between(&text, "\n2007-01 ", "\n\n");
    assert_eq!(failed.matches("no signal: the price of").count(), 4);
    assert!(failed.ends_with("     1  v2 (current)"), "{failed}");
    assert_eq!(
        between(&text, "\n2008-01 ", "\n\n"),
        "\n2008-01 to 2008-12\n    60  no signal: `decide_signal` is disabled: the risk desk says stop"
    );
    assert_eq!(between(&text, "\n2009-01 ", "\n\n"), "\n2009-01 to 2010-03\n    75  v2 (current)");
}

#[test]
fn it_is_said_why_a_call_gets_what_it_gets() {
    let text = shown();
    let ramp = between(&text, "* ann raises the share", "\n\n");
    assert!(ramp.contains("AAPL  decide_signal v2-calm: bucket 1374 is inside 0..6000 of 10000"));
    assert!(ramp.contains("IBM   decide_signal v2: bucket 6758 is outside 0..6000 of 10000"));
    let shadow = between(&text, "* ann ends the rollout", "\n\n");
    assert!(shadow.contains("decide_signal v2: it is the current edition; v1 runs beside it"));
    let differences = between(&text, "* ann looks at the differences", "AAPL");
    assert!(differences.contains(" of 60 results differ:"), "{differences}");
    assert!(differences.contains("v2 said hold, v1 would have said buy"), "{differences}");
    let guard = between(&text, "* the guard", "\n\n");
    assert!(guard.contains("4 of 4 calls failed"), "{guard}");
}

#[test]
fn every_trade_comes_out_again_by_the_edition_on_record() {
    let text = shown();
    let while_off = between(&text, "* while it is off", "\n\n");
    let at_the_end = between(&text, "* in the end", "\n\n");
    for edition in ["v1", "v2", "v2-calm"] {
        let line = format!("trades of {edition} come out as they are recorded");
        assert!(while_off.contains(&line), "{while_off}");
        assert!(at_the_end.contains(&line), "{at_the_end}");
    }
}

#[test]
fn each_run_says_the_same() {
    assert_eq!(shown(), shown());
}

#[test]
fn the_demonstration_takes_no_options_of_the_job() {
    assert_eq!(run(&["--json", "demonstrate"]).status.code(), Some(2));
}
