//! The job, as a user runs it.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rust_decimal::Decimal;
use serde_json::Value;
use tempfile::TempDir;

/// A folder to run in.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trading"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn report(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let report = serde_json::from_slice(&output.stdout).unwrap();
        assert_books(&report);
        report
    }

    /// The report without what one run has to do with another.
    fn books(&self, arguments: &[&str]) -> Value {
        let mut report = self.report(arguments);
        let fields = report.as_object_mut().unwrap();
        for of_the_run in [
            "chart",
            "commands",
            "commands_per_second",
            "peak_memory_kib",
            "rows_per_second",
            "rows_skipped",
            "seconds",
            "store",
        ] {
            fields.remove(of_the_run).unwrap();
        }
        report
    }
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// Anyone can check the books from the report alone.
fn assert_books(report: &Value) {
    let sum = |of: &dyn Fn(&Value) -> Decimal| -> Decimal {
        report["symbols"].as_array().unwrap().iter().map(of).sum()
    };
    let holdings = sum(&|symbol| decimal(&symbol["quantity"]) * decimal(&symbol["last_price"]));
    let gains =
        sum(&|symbol| decimal(&symbol["realized_pnl"]) + decimal(&symbol["unrealized_pnl"]));
    let equity = decimal(&report["equity"]);
    assert_eq!(equity, decimal(&report["cash"]) + holdings);
    assert_eq!(equity, decimal(&report["initial_cash"]) + gains - decimal(&report["fees"]));
}

/// Prices of some symbols that go up and down, one row each for each hour.
fn waves(hours: i64, symbols: &[&str]) -> String {
    let mut content = String::from("timestamp,symbol,close\n");
    for hour in 0..hours {
        let at = lucent_core::Timestamp::from_micros(hour * 3_600_000_000);
        for (index, symbol) in (0_i64..).zip(symbols) {
            let wave = (hour * (7 + index)) % 101 - 50;
            let close = 100 + wave.abs() + (hour * 31 + index) % 7;
            writeln!(content, "{at},{symbol},{close}.{index}5").unwrap();
        }
    }
    content
}

fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_bundled_prices_are_replayed() {
    let desk = Desk::new();
    let report = desk.report(&[]);
    assert_eq!((report["rows"].as_u64(), report["rows_skipped"].as_u64()), (Some(560), Some(0)));
    assert!(report["trades"].as_u64().unwrap() > 0);
    assert!(report["events"].as_u64().unwrap() >= 560 + report["trades"].as_u64().unwrap());
    let svg = std::fs::read_to_string(desk.path("target/trading/portfolio.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    let files: Vec<_> = bytes(desk.0.path());
    assert!(files.is_empty(), "a run without `--store` leaves only the chart");
}

#[test]
fn the_table_names_everything() {
    let output = Desk::new().run(&["--chart", "value.svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["AAPL", "total", "cash", "equity", "events stored", "commands/s", "value.svg"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    assert!(output.stderr.is_empty(), "there is no bar without a terminal");
}

#[test]
fn a_second_run_doubles_nothing() {
    let desk = Desk::new();
    let first = desk.books(&["--store", "desk.db"]);
    assert_eq!(desk.books(&["--store", "desk.db"]), first);
    assert_eq!(desk.report(&["--store", "desk.db"])["commands"], 0);
    assert!(desk.path("desk.db.svg").exists());
}

#[test]
fn a_longer_file_is_taken_up_where_the_shorter_one_ended() {
    let desk = Desk::new();
    let whole = waves(400, &["A", "B", "C"]);
    let half: String = whole.split_inclusive('\n').take(601).collect();
    desk.write("whole.csv", &whole);
    desk.write("half.csv", &half);
    desk.report(&["--prices", "half.csv", "--store", "desk.db", "--batch", "30"]);
    let resumed = desk.books(&["--prices", "whole.csv", "--store", "desk.db", "--batch", "30"]);
    let at_once = desk.books(&["--prices", "whole.csv", "--batch", "30"]);
    assert_eq!(resumed, at_once);
}

#[test]
fn a_killed_run_is_taken_up_where_it_was() {
    let desk = Desk::new();
    desk.write("waves.csv", &waves(1_500, &["A", "B", "C", "D"]));
    let arguments = ["--prices", "waves.csv", "--store", "desk.db", "--batch", "40"];
    for batches in [3, 40] {
        let mut child = desk
            .command(&arguments)
            .arg("--verbose")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(lines.take(batches).map(Result::unwrap).count(), batches);
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it was killed in the middle");
    }
    let resumed = desk.books(&arguments);
    assert_eq!(resumed, desk.books(&["--prices", "waves.csv", "--batch", "40"]));
    assert_eq!(resumed, desk.books(&arguments));
}

#[test]
fn the_order_of_rows_and_the_size_of_batches_do_not_matter() {
    let desk = Desk::new();
    let content = waves(300, &["A", "B"]);
    let (header, rows) = content.split_once('\n').unwrap();
    let mut rows: Vec<_> = rows.lines().collect();
    rows.sort_by_key(|row| row.split(',').nth(1));
    desk.write("by_time.csv", &content);
    desk.write("by_symbol.csv", &format!("{header}\n{}\n", rows.join("\n")));
    let by_time = desk.books(&["--prices", "by_time.csv"]);
    assert_eq!(desk.books(&["--prices", "by_symbol.csv"]), by_time);
    let small = desk.books(&["--prices", "by_time.csv", "--batch", "7"]);
    assert_eq!((&small["symbols"], &small["cash"]), (&by_time["symbols"], &by_time["cash"]));
}

#[test]
fn a_malformed_row_leaves_the_store_as_it_was() {
    let desk = Desk::new();
    let good = waves(50, &["A"]);
    desk.write("prices.csv", &good);
    desk.report(&["--prices", "prices.csv", "--store", "desk.db"]);
    desk.write("prices.csv", &format!("{good}2030-01-01,A,much\n"));
    let before = bytes(desk.0.path());
    let output = desk.run(&["--prices", "prices.csv", "--store", "desk.db"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: prices.csv:52:14: close: `much` is not a number\n"
    );
    assert_eq!(bytes(desk.0.path()), before);
    desk.run(&["--prices", "prices.csv", "--store", "new.db"]);
    assert!(!desk.path("new.db").exists());
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    let desk = Desk::new();
    desk.write("short.csv", &waves(500, &["A", "B"]));
    desk.write("long.csv", &waves(15_000, &["A", "B"]));
    let peak = |file| desk.report(&["--prices", file])["peak_memory_kib"].as_u64();
    // Where the system does not tell, there is nothing to compare.
    if let (Some(short), Some(long)) = (peak("short.csv"), peak("long.csv")) {
        assert!(long < short + (24 << 10), "{short} KiB grew to {long} KiB");
    }
}

#[test]
fn bad_options_are_refused_before_anything_is_written() {
    let desk = Desk::new();
    for arguments in [
        &["--fast", "9", "--slow", "3"][..],
        &["--cash", "-1"],
        &["--fee-bps", "9999"],
        &["--batch", "0"],
        &["--prices", "nowhere.csv"],
    ] {
        let output = desk.run(&[arguments, &["--store", "desk.db"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!desk.path("desk.db").exists());
    }
}

#[test]
fn a_store_keeps_its_terms() {
    let desk = Desk::new();
    let first = desk.books(&["--store", "desk.db", "--fast", "2", "--cash", "5000"]);
    assert_eq!(desk.books(&["--store", "desk.db"]), first);
    let output = desk.run(&["--store", "desk.db", "--fast", "3"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("opened with --fast 2, not 3"), "{errors}");
}
