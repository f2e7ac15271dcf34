//! The flow as a Mermaid diagram.
//!
//! Invariant: identifiers are positions in the sorted list of nodes, names are quoted.

use std::fmt::Write as _;

use super::{Flow, NodeKind};

/// Prints a diagram that Mermaid draws from left to right.
pub(crate) fn mermaid(flow: &Flow) -> String {
    let mut text = String::from("flowchart LR\n");
    for (index, node) in flow.nodes.iter().enumerate() {
        let name = node.name.replace('"', "#quot;");
        let (open, close) = match node.kind {
            NodeKind::Command | NodeKind::Query => ("[/", "/]"),
            NodeKind::Event => ("([", "])"),
            NodeKind::View => ("[(", ")]"),
            _ => ("[", "]"),
        };
        let class = node.kind.name().replace(' ', "_");
        let _ = writeln!(text, "    n{index}{open}\"{name}\"{close}:::{class}");
    }
    for (from, to) in &flow.edges {
        let _ = writeln!(text, "    n{from} --> n{to}");
    }
    text.push_str(CLASSES);
    text
}

const CLASSES: &str = "    classDef command fill:#cfe2ff,stroke:#0a58ca,color:#000
    classDef command_handler fill:#fff,stroke:#666,color:#000
    classDef event fill:#ffe5b4,stroke:#b36b00,color:#000
    classDef projector fill:#fff,stroke:#666,color:#000
    classDef event_handler fill:#fff,stroke:#666,color:#000
    classDef function fill:#fff,stroke:#666,color:#000
    classDef read_model fill:#d1e7dd,stroke:#146c43,color:#000
    classDef query_handler fill:#fff,stroke:#666,color:#000
    classDef query fill:#cfe2ff,stroke:#0a58ca,color:#000
";
