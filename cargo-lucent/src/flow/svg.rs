//! The flow as a picture.
//!
//! Invariant: a pure function of the flow: columns by kind, rows by where the neighbors stand, the
//! same bytes for the same flow. Nothing is loaded from elsewhere, and names are escaped.

use std::fmt::Write as _;

use super::{Flow, NodeKind};

/// Draws the flow from left to right.
pub(crate) fn svg(flow: &Flow) -> String {
    let columns = columns(flow);
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| {
            let longest = column.iter().map(|node| flow.nodes[*node].name.chars().count()).max();
            longest.map_or(0, |longest| longest * LETTER + 2 * PADDING)
        })
        .collect();
    let tallest = columns.iter().map(Vec::len).max().unwrap_or_default();
    let floor = MARGIN + HEADING + tallest * (BOX + GAP);
    let height = floor + MARGIN;
    let mut places = vec![(0, 0, 0); flow.nodes.len()];
    let mut x = MARGIN;
    for (column, width) in columns.iter().zip(&widths) {
        let used = column.len() * (BOX + GAP);
        let top = MARGIN + HEADING + (tallest * (BOX + GAP) - used) / 2;
        for (row, node) in column.iter().enumerate() {
            places[*node] = (x, top + row * (BOX + GAP), *width);
        }
        if !column.is_empty() {
            x += width + BETWEEN;
        }
    }
    let width = (x + MARGIN).saturating_sub(BETWEEN).max(2 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>Message flow</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    headings(&mut text, &columns, flow, &places);
    for (from, to) in &flow.edges {
        edge(&mut text, places[*from], places[*to], floor);
    }
    for (index, node) in flow.nodes.iter().enumerate() {
        let (x, y, width) = places[index];
        let (fill, stroke, radius) = style(node.kind);
        let name = escape(&node.name);
        let _ = writeln!(
            text,
            "<g><title>{} {name}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX}\" rx=\"{radius}\" \
             fill=\"{fill}\" stroke=\"{stroke}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{name}</text></g>",
            node.kind.name(),
            x + width / 2,
            y + BOX / 2 + 5,
        );
    }
    text.push_str("</svg>\n");
    text
}

/// The nodes of each column, ordered so that edges cross less: by the mean row of the neighbors on
/// the left, then of those on the right.
fn columns(flow: &Flow) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); COLUMNS];
    for (index, node) in flow.nodes.iter().enumerate() {
        columns[node.kind.column()].push(index);
    }
    for _ in 0..ROUNDS {
        for column in 1..COLUMNS {
            sort(flow, &mut columns, column, |(from, to)| (to, from));
        }
        for column in (0..COLUMNS - 1).rev() {
            sort(flow, &mut columns, column, |(from, to)| (from, to));
        }
    }
    columns
}

fn sort(
    flow: &Flow,
    columns: &mut [Vec<usize>],
    column: usize,
    ends: impl Fn((usize, usize)) -> (usize, usize),
) {
    let mut row = vec![0; flow.nodes.len()];
    for column in columns.iter() {
        // Rows are scaled, for columns differ in length.
        let scale = 1_000_000 / column.len().max(1);
        for (index, node) in column.iter().enumerate() {
            row[*node] = index * scale;
        }
    }
    let mean = |node: usize| {
        let rows: Vec<usize> = flow
            .edges
            .iter()
            .map(|edge| ends(*edge))
            .filter(|(own, _)| *own == node)
            .map(|(_, other)| row[other])
            .collect();
        if rows.is_empty() { row[node] } else { rows.iter().sum::<usize>() / rows.len() }
    };
    let keys: Vec<usize> = (0..flow.nodes.len()).map(mean).collect();
    columns[column].sort_by_key(|node| (keys[*node], *node));
}

fn headings(
    text: &mut String,
    columns: &[Vec<usize>],
    flow: &Flow,
    places: &[(usize, usize, usize)],
) {
    for column in columns {
        let Some(first) = column.first() else {
            continue;
        };
        let mut kinds: Vec<&str> =
            column.iter().map(|node| flow.nodes[*node].kind.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let heading = if kinds.len() == 1 { kinds[0] } else { "reactions" };
        let (x, _, width) = places[*first];
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#666\" font-size=\"11\">{heading}</text>",
            x + width / 2,
            MARGIN + 8
        );
    }
}

fn edge(text: &mut String, from: (usize, usize, usize), to: (usize, usize, usize), floor: usize) {
    let (y1, y2) = (from.1 + BOX / 2, to.1 + BOX / 2);
    let (x1, x2) = (from.0 + from.2, to.0);
    if x1 <= x2 {
        let middle = x1.midpoint(x2);
        let path = format!("M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}");
        line(text, &path, "", (x2, y2));
    } else {
        // A command that an event handler sends goes back below all boxes.
        let (x1, x2) = (from.0 + from.2 / 2, to.0 + to.2 / 2);
        let (y1, y2) = (from.1 + BOX, to.1 + BOX);
        let middle = x1.midpoint(x2);
        let path = format!(
            "M{x1} {y1} C{x1} {floor} {x1} {floor} {middle} {floor} C{x2} {floor} {x2} {floor} {x2} {y2}"
        );
        line(text, &path, " stroke-dasharray=\"4 3\"", (x2, y2));
    }
}

fn line(text: &mut String, path: &str, style: &str, (x, y): (usize, usize)) {
    let _ = writeln!(
        text,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#999\"{style}/>\
         <circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"#666\"/>"
    );
}

const fn style(kind: NodeKind) -> (&'static str, &'static str, usize) {
    match kind {
        NodeKind::Command | NodeKind::Query => ("#cfe2ff", "#0a58ca", 2),
        NodeKind::Event => ("#ffe5b4", "#b36b00", 13),
        NodeKind::View => ("#d1e7dd", "#146c43", 2),
        _ => ("#fff", "#666", 2),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const COLUMNS: usize = 7;
const ROUNDS: usize = 8;
const LETTER: usize = 8;
const PADDING: usize = 10;
const MARGIN: usize = 20;
const HEADING: usize = 20;
const BOX: usize = 26;
const GAP: usize = 12;
const BETWEEN: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Node, mermaid};

    fn flow() -> Flow {
        let node = |kind, name: &str| Node { kind, name: name.to_owned() };
        Flow {
            nodes: vec![
                node(NodeKind::Command, "Open<A & \"B\">"),
                node(NodeKind::CommandHandler, "open"),
                node(NodeKind::Event, "Opened"),
                node(NodeKind::EventHandler, "again"),
            ],
            edges: vec![(0, 1), (1, 2), (2, 3), (3, 0)],
        }
    }

    #[test]
    fn names_are_escaped_and_each_node_and_edge_is_drawn() {
        let picture = svg(&flow());
        assert!(picture.contains("Open&lt;A &amp; &quot;B&quot;&gt;"));
        assert_eq!(picture.matches("<g>").count(), 4);
        assert_eq!(picture.matches("<path").count(), 4);
        assert_eq!(picture.matches("stroke-dasharray").count(), 1);
        assert_eq!(svg(&flow()), picture);
        assert!(mermaid(&flow()).contains("n3 --> n0"));
    }

    #[test]
    fn nothing_is_a_picture_too() {
        assert!(svg(&Flow::default()).ends_with("</svg>\n"));
    }
}
