//! Price files: what is read, and what is said about what cannot be.

use std::path::PathBuf;

use lucent_core::AggregateId as _;
use tempfile::TempDir;
use trading::prices::{PriceFile, Row};

fn write(folder: &TempDir, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join("prices.csv");
    std::fs::write(&path, content).unwrap();
    path
}

/// The message without the folder.
fn refusal(content: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, content);
    let error = PriceFile::check(&path, |_| {}).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

/// A checked file, kept as long as it may be read again.
struct Checked {
    prices: PriceFile,
    _folder: TempDir,
}

impl std::ops::Deref for Checked {
    type Target = PriceFile;

    fn deref(&self) -> &PriceFile {
        &self.prices
    }
}

fn check(content: &[u8]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let prices = PriceFile::check(&write(&folder, content), |_| {}).unwrap();
    Checked { prices, _folder: folder }
}

fn rows(prices: &PriceFile, batch: usize) -> Vec<Vec<Row>> {
    prices.sessions().unwrap().batches(batch, None).map(Result::unwrap).collect()
}

fn told(prices: &PriceFile) -> Vec<String> {
    let tell = |row: &Row| format!("{} {} {}", row.symbol.value(), row.at(), row.bar.close);
    rows(prices, 1_000).concat().iter().map(tell).collect()
}

#[test]
fn every_fault_has_a_place_and_a_reason() {
    let header = "timestamp,symbol,open,high,low,close,volume\n";
    let with_header = [
        ("2026-01-05,A,,,,x,\n", "2:17: close: `x` is not a number"),
        ("2026-01-05,A,,,,,\n", "2:17: close: is empty"),
        ("2026-01-05,A,,,,0,\n", "2:17: close: the price `0` is not more than 0"),
        ("2026-01-05,A,,,,-1,\n", "2:17: close: the price `-1` is not more than 0"),
        ("2026-01-05,A,,,,NaN,\n", "2:17: close: `NaN` is not a number"),
        ("2026-01-05,A,,,,1e10,\n", "2:17: close: the price `1e10` is more than 1000000000"),
        ("2026-01-05,A,1_0,,,1,\n", "2:14: open: `1_0` is not a number"),
        ("2026-01-05,A,,1,2,1,\n", "2:15: high: 1 is below the low of 2"),
        ("2026-01-05,A,,,,1,-5\n", "2:19: volume: the volume `-5` is negative"),
        ("2026-01-05,,,,,1,\n", "2:12: symbol: is empty"),
        (
            "\n2026-01-05,A,,,,1,\n\n2026-01-06,A,1\n",
            "5:14: the row has 3 fields and the header has 7",
        ),
        ("2026-01-05,A,,,,1,,2\n", "2:20: the row has 8 fields and the header has 7"),
        ("2026-01-05,\"A,,,,1,\n", "2:12: the quote is not closed on this line"),
        ("\"2026-01-05\"x,A,,,,1,\n", "2:13: expected a comma after the closing quote"),
        ("2026-01-05,\"\u{fc}\",,,,1,z\n", "2:21: volume: `z` is not a number"),
        (
            "yesterday,A,,,,1,\n",
            "2:1: timestamp: `yesterday` is not a time such as `2026-01-05T10:00:00Z` or a date such as `2026-01-05`",
        ),
        (
            "2026-02-30,A,,,,1,\n",
            "2:1: timestamp: `2026-02-30` is not a time such as `2026-01-05T10:00:00Z` or a date such as `2026-01-05`",
        ),
        (
            "2026-01-05,A,,,,1,\n2026-01-05,A,,,,2,\n",
            "3:1: symbol: `A` has other prices at 2026-01-05T00:00:00Z on line 2: keep one of the two rows",
        ),
        (
            "2026-01-05,A,,,,1,\n2026-01-04,A,,,,1,\n2026-01-05,A,,,,2,\n",
            "4:1: symbol: `A` has other prices at 2026-01-05T00:00:00Z on line 2: keep one of the two rows",
        ),
    ];
    for (rows, expected) in with_header {
        assert_eq!(refusal(format!("{header}{rows}")), format!("prices.csv:{expected}"), "{rows}");
    }
}

#[test]
fn a_header_must_name_what_is_needed() {
    let expected = "expected timestamp,symbol,open,high,low,close,volume, of which timestamp, symbol and close are required";
    let cases = [
        ("", "1:1: the file is empty: expected a header".to_owned()),
        ("timestamp,symbol\n", format!("1:1: the header has no column `close`: {expected}")),
        ("close,symbol,close\n", "1:14: the column `close` occurs twice".to_owned()),
    ];
    for (content, expected) in cases {
        assert_eq!(refusal(content), format!("prices.csv:{expected}"));
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let content = [b"timestamp,symbol,close\n2026-01-05,A".as_slice(), b"\xff,1\n"].concat();
    let expected = "prices.csv:2:1: the line is not UTF-8: save the file as UTF-8";
    assert_eq!(refusal(content), expected);
    let long = format!("timestamp,symbol,close\n{}", "x".repeat(70_000));
    assert_eq!(refusal(long), "prices.csv:2:1: the line is longer than 65536 bytes");
}

#[test]
fn a_missing_file_is_named() {
    let error = PriceFile::check("nowhere.csv".as_ref(), |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("cannot read nowhere.csv: "), "{error}");
}

#[test]
fn columns_may_come_in_any_order_and_others_are_ignored() {
    let prices = check(
        b"\xef\xbb\xbfClose,note,SYMBOL,timestamp\r\n1.50,\"a,b\",\"A\",2026-01-05 10:30\r\n2e1,,B,2026-01-05T12:30:00+02:00",
    );
    assert_eq!(told(&prices), ["A 2026-01-05T10:30:00Z 1.50", "B 2026-01-05T10:30:00Z 20"]);
}

#[test]
fn rows_are_put_into_the_order_of_time_and_symbol() {
    let ordered =
        check(b"timestamp,symbol,close\n2026-01-01,B,3\n2026-01-01,A,1\n2026-01-02,A,2\n");
    let grouped =
        check(b"timestamp,symbol,close\n2026-01-01,A,1\n2026-01-02,A,2\n2026-01-01,B,3\n");
    assert!(!ordered.survey().sorted && grouped.survey().sorted);
    assert_eq!(told(&ordered), told(&grouped));
}

#[test]
fn exact_repeats_are_left_out() {
    let prices =
        check(b"timestamp,symbol,close\n2026-01-01,A,1\n2026-01-01,A,1\n2026-01-01,A,1.0\n");
    assert_eq!(prices.survey().rows, 3);
    let mut batches = prices.sessions().unwrap().batches(10, None);
    assert_eq!(batches.next().unwrap().unwrap().len(), 1);
    assert_eq!((batches.next().is_none(), batches.skipped()), (true, 2));
}

#[test]
fn a_batch_ends_where_a_point_in_time_ends() {
    let prices = check(
        b"timestamp,symbol,close\n2026-01-01,A,1\n2026-01-02,A,1\n2026-01-02,B,1\n2026-01-02,C,1\n2026-01-03,A,1\n",
    );
    let sizes: Vec<_> = rows(&prices, 2).iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 1]);
    let after = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let mut batches = prices.sessions().unwrap().batches(10, after);
    assert_eq!((batches.next().unwrap().unwrap().len(), batches.skipped()), (4, 1));
}
