//! The chart: a panel for each workload, a bar for each contender.
//!
//! Invariant: it has no empty line, so that a page of Markdown can include it as it is; and no color of
//! text of its own, so that it fits a dark page.

use std::fmt::Write as _;

use crate::{
    contenders::{Kind, ROSTER},
    figure::number,
    page,
    results::{Outcome, Results},
    workload::Workload,
};

/// Panels side by side.
const ACROSS: usize = 2;
const PANEL: f64 = 430.0;
const GAP: f64 = 30.0;
const ROW: f64 = 20.0;
const NAMES: f64 = 96.0;
const NUMBERS: f64 = 84.0;

/// Draws the results.
pub fn draw(results: &Results) -> String {
    let panels: Vec<_> = results.lines();
    let columns = results.columns();
    let height = 34.0 + ROW * columns.len() as f64;
    let rows = panels.len().div_ceil(ACROSS);
    let width = PANEL * ACROSS as f64 + GAP * (ACROSS as f64 + 1.0);
    let total = 20.0 + (height + GAP) * rows as f64 + 56.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {total}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"currentColor\">\n\
         <title>Lucent beside other event stores</title>\n"
    );
    for (index, (line, workload)) in panels.iter().enumerate() {
        let x = GAP + (PANEL + GAP) * (index % ACROSS) as f64;
        let y = 20.0 + (height + GAP) * (index / ACROSS) as f64;
        svg += &panel(results, *line, *workload, &columns, (x, y));
    }
    let notes = [
        format!("{}.", results.server.replace('`', "")),
        format!("{}.", page::machine()),
        format!("{}.", page::versions(results).join(", ")),
    ];
    for (index, note) in notes.iter().enumerate() {
        let y = total - 48.0 + 16.0 * index as f64;
        text(&mut svg, (GAP, y), "font-size=\"10\"", note);
    }
    svg + "</svg>\n"
}

fn panel(
    results: &Results,
    line: usize,
    workload: Workload,
    columns: &[usize],
    (x, y): (f64, f64),
) -> String {
    let better = if workload.more_is_better() { "more" } else { "less" };
    let title = format!("{}, {} ({better} is better)", workload.title(), page::unit(workload));
    let mut svg = String::new();
    text(&mut svg, (x, y + 12.0), "font-weight=\"bold\"", &title);
    let outcomes = columns.iter().map(|column| results.outcomes.get(&(line, *column)));
    let values = outcomes.map(|outcome| match outcome {
        Some(Outcome::Measured(cell)) => Some(cell.value),
        _ => None,
    });
    let values: Vec<_> = values.collect();
    let most = values.iter().flatten().fold(f64::MIN_POSITIVE, |most, value| most.max(*value));
    for (row, (column, value)) in columns.iter().zip(values).enumerate() {
        let entry = &ROSTER[*column];
        let top = y + 22.0 + ROW * row as f64;
        text(&mut svg, (x, top + 12.0), "", entry.name);
        let start = x + NAMES;
        let Some(value) = value else {
            text(&mut svg, (start, top + 12.0), "opacity=\"0.6\"", "–");
            continue;
        };
        let length = (PANEL - NAMES - NUMBERS) * value / most;
        let color = match entry.kind {
            Kind::Lucent => "#d9822b",
            Kind::Framework => "#5b8db8",
            Kind::Server => "#6f9f6a",
            Kind::Limit => "#999999",
        };
        // Writing to a string cannot fail.
        let _written = writeln!(
            svg,
            "<rect x=\"{start:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"14\" fill=\"{color}\"/>",
            top + 1.0,
            length.max(1.0),
        );
        text(&mut svg, (start + length + 6.0, top + 12.0), "", &number(value));
    }
    svg
}

fn text(svg: &mut String, (x, y): (f64, f64), style: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a string cannot fail.
    let _written = writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.0}\" {style}>{words}</text>");
}
