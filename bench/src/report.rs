//! Figures, each beside what it is measured against.

use std::{fs, io, path::Path};

use serde::Serialize;

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
    /// The ratio is at least this.
    RatioAtLeast(f64),
    /// The ratio is at most this.
    RatioAtMost(f64),
    /// The value is at least the first, or the ratio at least the second.
    ValueOrRatio(f64, f64),
    /// The value is at most this.
    AtMost(f64),
}

impl Figure {
    /// Judges a pair of medians.
    pub fn new(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        against: impl Into<String>,
        against_value: f64,
        goal: Goal,
    ) -> Self {
        let ratio = value / against_value;
        let (text, holds) = match goal {
            Goal::RatioAtLeast(least) => (format!("ratio at least {least}"), ratio >= least),
            Goal::RatioAtMost(most) => (format!("ratio at most {most}"), ratio <= most),
            Goal::ValueOrRatio(value_least, least) => (
                format!("at least {value_least} {unit}, or ratio at least {least}"),
                value >= value_least || ratio >= least,
            ),
            Goal::AtMost(most) => (format!("at most {most} {unit}"), value <= most),
        };
        let against = against.into();
        Self { name: name.into(), value, unit, against, against_value, ratio, goal: text, holds }
    }

    /// One readable line.
    pub fn line(&self) -> String {
        format!(
            "{} {:<44} {:>12} {:<9} against {:>12} ({}), ratio {:.2}; goal: {}",
            if self.holds { "ok  " } else { "MISS" },
            self.name,
            number(self.value),
            self.unit,
            number(self.against_value),
            self.against,
            self.ratio,
            self.goal,
        )
    }
}

/// Writes the figures as JSON.
pub fn write(figures: &[Figure], path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, serde_json::to_string_pretty(figures)? + "\n")
}

/// Writes the figures for the book.
pub fn write_page(figures: &[Figure], server: &str, path: &Path) -> io::Result<()> {
    let mut page = format!(
        "## The last whole run\n\nOn {}; {server}. Durable writes sync to disk before they are acknowledged. \
         Each figure is the median of {} runs, both sides in turn.\n\n\
         | figure | Lucent | against | | ratio | goal | |\n|---|---:|---|---:|---:|---|---|\n",
        machine(),
        crate::RUNS,
    );
    for figure in figures {
        page += &format!(
            "| {} | {} {} | {} | {} {} | {:.2} | {} | {} |\n",
            figure.name,
            number(figure.value),
            figure.unit,
            figure.against,
            number(figure.against_value),
            figure.unit,
            figure.ratio,
            figure.goal,
            if figure.holds { "reached" } else { "missed" },
        );
    }
    fs::write(path, page)
}

/// The processor, the system and the compiler's profile.
fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name))
        .unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, {} {}, release profile", std::env::consts::OS, system.trim())
}

/// The middle one; of an even count, the lower middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
