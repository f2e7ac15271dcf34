//! The tables, for the terminal and for the book.

use std::fs;

use crate::{
    contenders::ROSTER,
    figure::{Figure, number},
    options::Options,
    results::{Outcome, Results},
    workload::{WORKLOADS, Workload},
};

/// The page that the book includes.
pub fn page(results: &Results, figures: &[Figure], options: &Options) -> String {
    let mut page = format!(
        "## {}\n\nOn {}. {}; every contender in a database of its own on that server, \
         with a pool of {} connections. Commands: the median of {} runs of {} s each, the contenders \
         in turn. Read models: one run over {} events, cut off after {} s.\n\nVersions: {}.\n\n",
        if options.partial { "A partial run" } else { "The last whole run" },
        machine(),
        results.server,
        options.pool,
        options.rounds,
        options.time.as_secs_f64(),
        number(options.events as f64),
        options.patience.as_secs(),
        versions(results).join(", "),
    );
    if results.others > 0.5 {
        page += &format!(
            "**Other programs were at work on this machine**: its load average was {} before the \
             run. Neither the figures nor their ratios mean much.\n\n",
            number(results.others),
        );
    }
    page += "In each cell: the figure, and below it p50 / p99 of a single call in milliseconds. On the \
             shared account, also the tries that were lost for each success.\n\n";
    page += &table(results);
    page += &missing(results);
    page += "\n## Held against the goals\n\n\
             | figure | Lucent | against | | ratio | goal | |\n|---|---:|---|---:|---:|---|---|\n";
    for figure in figures {
        page += &format!(
            "| {} | {} {} | {} | {} {} | {:.2} | {} | {} |\n",
            figure.title(),
            number(figure.value),
            figure.unit,
            figure.against,
            number(figure.against_value),
            figure.unit,
            figure.ratio,
            figure.goal,
            match (figure.goal.as_str(), figure.holds) {
                ("none", _) => "",
                (_, true) => "reached",
                (_, false) => "missed",
            },
        );
    }
    page
}

/// A line per workload, a column per contender.
pub fn table(results: &Results) -> String {
    let columns = results.columns();
    let mut table = String::from("| workload |");
    for column in &columns {
        table += &format!(" {} |", ROSTER[*column].name);
    }
    table += "\n|---|";
    table += &"---:|".repeat(columns.len());
    table.push('\n');
    for (line, workload) in results.lines() {
        table += &format!("| {}, {} |", workload.title(), unit(workload));
        for column in &columns {
            table += &format!(" {} |", cell(results.outcomes.get(&(line, *column))));
        }
        table.push('\n');
    }
    table
}

/// What the workload's figures are.
pub fn unit(workload: Workload) -> &'static str {
    match workload {
        Workload::Load => "ms (p50)",
        Workload::Seen | Workload::SeenUnderLoad => "ms (p99)",
        other => other.unit(),
    }
}

fn cell(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::Measured(cell)) => {
            let mut text = format!("**{}**", number(cell.value));
            if let Some((p50, p99)) = cell.times {
                text += &format!("<br>{} / {}", number(p50), number(p99));
            }
            if let Some(lost) = cell.lost {
                text += &format!("<br>{} lost", number(lost));
            }
            text
        }
        Some(Outcome::Absent(_)) => "–".to_owned(),
        Some(Outcome::Failed(_)) => "failed".to_owned(),
        None => "not run".to_owned(),
    }
}

/// Why cells are empty.
fn missing(results: &Results) -> String {
    let mut reasons = Vec::<(&str, &str, Vec<String>)>::new();
    for ((line, column), outcome) in &results.outcomes {
        let reason = match outcome {
            Outcome::Measured(_) => continue,
            Outcome::Absent(reason) | Outcome::Failed(reason) => reason.as_str(),
        };
        let name = ROSTER[*column].name;
        let title = WORKLOADS[*line].title();
        match reasons.iter_mut().find(|(who, why, _)| *who == name && *why == reason) {
            Some((_, _, titles)) => titles.push(title),
            None => reasons.push((name, reason, vec![title])),
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    reasons.sort();
    let mut text = String::from("\nWhat is missing, and why:\n\n");
    for (name, reason, titles) in reasons {
        text += &format!("- {name}: {reason} ({}).\n", titles.join("; "));
    }
    text
}

/// The versions of those who took part, from the lock file that they were built with.
pub fn versions(results: &Results) -> Vec<String> {
    let packages = results.columns().into_iter().flat_map(|column| ROSTER[column].packages);
    let mut versions = Vec::new();
    for package in packages {
        let version = version(package).unwrap_or("of an unknown version");
        let text = format!("{package} {version}");
        if !versions.contains(&text) {
            versions.push(text);
        }
    }
    versions
}

fn version(package: &str) -> Option<&'static str> {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = include_str!("../Cargo.lock").split_once(&entry)?;
    rest.split('"').next()
}

/// The processor, the system and the compiler's profile.
pub fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name))
        .unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{model}, {cores} cores that server and callers share, {} {}, release profile",
        std::env::consts::OS,
        system.trim()
    )
}
