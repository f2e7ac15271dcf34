//! Figures, each beside what it is measured against, as the project's other benchmarks report them.
//!
//! Invariant: the report's other figures stay as they are.

use std::{fs, io, path::Path};

use serde::Serialize;
use serde_json::Value;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The median.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is held against.
    pub against: String,
    /// The median of that.
    pub against_value: f64,
    /// `value / against_value`.
    pub ratio: f64,
    /// What is asked for, in words.
    pub goal: String,
    /// Whether it is reached.
    pub holds: bool,
}

/// How a figure is judged.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// It is not.
    Open,
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// The ratio is at most this.
    RatioAtMost(f64),
    /// The value is at most this.
    AtMost(f64),
}

/// What the names of these figures begin with.
const PREFIX: &str = "peers: ";

impl Figure {
    /// Judges a pair of medians.
    pub fn new(
        name: &str,
        value: f64,
        unit: &'static str,
        (against, against_value): (&str, f64),
        goal: Goal,
    ) -> Self {
        let ratio = value / against_value;
        let (goal, holds) = match goal {
            Goal::Open => ("none".to_owned(), true),
            Goal::RatioAtLeast(least) => (format!("ratio at least {least}"), ratio >= least),
            Goal::RatioAtMost(most) => (format!("ratio at most {most}"), ratio <= most),
            Goal::AtMost(most) => (format!("at most {most} {unit}"), value <= most),
        };
        let (name, against) = (format!("{PREFIX}{name}"), against.to_owned());
        Self { name, value, unit, against, against_value, ratio, goal, holds }
    }

    /// The name without what all of them begin with.
    pub fn title(&self) -> &str {
        self.name.strip_prefix(PREFIX).unwrap_or(&self.name)
    }

    /// One readable line.
    pub fn line(&self) -> String {
        format!(
            "{} {:<44} {:>12} {:<9} against {:>12} ({}), ratio {:.2}; goal: {}",
            if self.holds { "ok  " } else { "MISS" },
            self.title(),
            number(self.value),
            self.unit,
            number(self.against_value),
            self.against,
            self.ratio,
            self.goal,
        )
    }
}

/// Puts the figures behind those that the report holds; older ones of the peers go.
pub fn append(figures: &[Figure], path: &Path) -> io::Result<()> {
    let mut report: Vec<Value> = match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let is_of_peers =
        |row: &Value| row["name"].as_str().is_some_and(|name| name.starts_with(PREFIX));
    report.retain(|row| !is_of_peers(row));
    for figure in figures {
        report.push(serde_json::to_value(figure)?);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, serde_json::to_string_pretty(&report)? + "\n")
}

/// A number with as many digits as it is worth.
pub fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
