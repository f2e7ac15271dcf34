//! How messages flow: commands, the functions that decide them, events, what follows events, and
//! the queries that read the result.
//!
//! Invariant: an edge is drawn where the code says so: by parameters, return types and the variants
//! that a body makes or matches on. A body that names no variant of its events concerns all of them.

mod mermaid;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use syn::visit::{self, Visit};

pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;

use crate::survey::{Event, Function, Survey, commands, events, queries, views};

/// The messages and functions, and who leads to whom.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Sorted.
    pub(crate) nodes: Vec<Node>,
    /// Pairs of indices into `nodes`, sorted.
    pub(crate) edges: Vec<(usize, usize)>,
}

/// A message or a function.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) name: String,
}

/// What a node is, in the order of the columns.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum NodeKind {
    Command,
    CommandHandler,
    Event,
    Projector,
    EventHandler,
    Function,
    View,
    QueryHandler,
    Query,
}

impl NodeKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::CommandHandler => "command handler",
            Self::Event => "event",
            Self::Projector => "projector",
            Self::EventHandler => "event handler",
            Self::Function => "function",
            Self::View => "read model",
            Self::QueryHandler => "query handler",
            Self::Query => "query",
        }
    }

    /// Where it stands from left to right.
    pub(crate) const fn column(self) -> usize {
        match self {
            Self::Command => 0,
            Self::CommandHandler => 1,
            Self::Event => 2,
            Self::Projector | Self::EventHandler | Self::Function => 3,
            Self::View => 4,
            Self::QueryHandler => 5,
            Self::Query => 6,
        }
    }
}

/// Draws the edges.
pub(crate) fn flow(survey: &Survey) -> Flow {
    let mut drawing =
        Drawing { survey, events: events(survey), edges: BTreeSet::new(), nodes: BTreeSet::new() };
    for command in commands(survey) {
        drawing.node(NodeKind::Command, &command.name);
    }
    for event in drawing.events.clone() {
        drawing.node(NodeKind::Event, &event.name);
    }
    for query in queries(survey) {
        drawing.node(NodeKind::Query, &query.name);
    }
    for view in views(survey) {
        drawing.node(NodeKind::View, &view.name);
    }
    for function in &survey.functions {
        drawing.function(function);
    }
    drawing.finish()
}

/// The flow as nodes and edges by name.
pub(crate) fn to_json(flow: &Flow) -> Value {
    let id = |index: usize| format!("{} {}", flow.nodes[index].kind.name(), flow.nodes[index].name);
    let nodes: Vec<Value> = flow
        .nodes
        .iter()
        .enumerate()
        .map(
            |(index, node)| json!({ "id": id(index), "kind": node.kind.name(), "name": node.name }),
        )
        .collect();
    let edges: Vec<Value> =
        flow.edges.iter().map(|(from, to)| json!({ "from": id(*from), "to": id(*to) })).collect();
    json!({ "nodes": nodes, "edges": edges })
}

struct Drawing<'a> {
    survey: &'a Survey,
    events: Vec<Event<'a>>,
    nodes: BTreeSet<Node>,
    edges: BTreeSet<(Node, Node)>,
}

impl Drawing<'_> {
    fn node(&mut self, kind: NodeKind, name: &str) -> Node {
        let node = Node { kind, name: name.to_owned() };
        self.nodes.insert(node.clone());
        node
    }

    fn edge(&mut self, from: &Node, to: &Node) {
        self.edges.insert((from.clone(), to.clone()));
    }

    fn function(&mut self, function: &Function) {
        let inputs: Vec<usize> =
            function.inputs().flat_map(|ty| self.types_in(function, ty)).collect();
        let outputs: Vec<usize> = match &function.signature.output {
            syn::ReturnType::Default => Vec::new(),
            syn::ReturnType::Type(_, ty) => self.types_in(function, ty),
        };
        match function.kind.as_str() {
            "command_handler" => {
                let node = self.node(NodeKind::CommandHandler, &function.name);
                for command in self.messages(&inputs, NodeKind::Command) {
                    self.edge(&command, &node);
                }
                for event in self.events_of(&outputs, &function.mentions.pairs) {
                    self.edge(&node, &event);
                }
            }
            "query_handler" => {
                let node = self.node(NodeKind::QueryHandler, &function.name);
                for query in self.messages(&inputs, NodeKind::Query) {
                    self.edge(&node, &query);
                }
                for view in self.messages(&inputs, NodeKind::View) {
                    self.edge(&view, &node);
                }
            }
            kind => {
                let kind = match kind {
                    "projector" => NodeKind::Projector,
                    "event_handler" => NodeKind::EventHandler,
                    _ => NodeKind::Function,
                };
                let node = self.node(kind, &function.name);
                for event in self.events_of(&inputs, &function.mentions.matched) {
                    self.edge(&event, &node);
                }
                if kind == NodeKind::Projector {
                    for view in self.messages(&inputs, NodeKind::View) {
                        self.edge(&node, &view);
                    }
                }
                for command in self.made_commands(function) {
                    self.edge(&node, &command);
                }
            }
        }
    }

    /// The types of the workspace that a type mentions.
    fn types_in(&self, function: &Function, ty: &syn::Type) -> Vec<usize> {
        struct Paths<'a>(Vec<&'a syn::Path>);
        impl<'ast> Visit<'ast> for Paths<'ast> {
            fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
                self.0.push(&path.path);
                visit::visit_type_path(self, path);
            }
        }
        let mut paths = Paths(Vec::new());
        paths.visit_type(ty);
        let lookup = |path: &&syn::Path| {
            self.survey.lookup(path, &function.target.crate_name, &function.module)
        };
        paths.0.iter().filter_map(lookup).collect()
    }

    fn messages(&mut self, types: &[usize], kind: NodeKind) -> Vec<Node> {
        let known = match kind {
            NodeKind::Command => commands(self.survey),
            NodeKind::Query => queries(self.survey),
            _ => views(self.survey),
        };
        let of = |index: &usize| {
            let place = &self.survey.types[*index].place;
            known
                .iter()
                .find(|message| message.of.place == *place)
                .map(|message| message.name.clone())
        };
        let names: Vec<String> = types.iter().filter_map(of).collect();
        names.iter().map(|name| self.node(kind, name)).collect()
    }

    /// The events of the sets among some types that a body names, or all of them.
    fn events_of(&mut self, types: &[usize], named: &BTreeSet<(String, String)>) -> Vec<Node> {
        let mut found = Vec::new();
        for index in types {
            let set = &self.survey.types[*index];
            let of_set: Vec<&Event<'_>> =
                self.events.iter().filter(|event| event.set.place == set.place).collect();
            let is_named = |event: &&&Event<'_>| {
                named
                    .iter()
                    .any(|(of, name)| *name == event.ident && (*of == set.ident || of.is_empty()))
            };
            let chosen: Vec<String> =
                of_set.iter().filter(is_named).map(|event| event.name.clone()).collect();
            match chosen.is_empty() {
                true => found.extend(of_set.iter().map(|event| event.name.clone())),
                false => found.extend(chosen),
            }
        }
        found.iter().map(|name| self.node(NodeKind::Event, name)).collect()
    }

    fn made_commands(&mut self, function: &Function) -> Vec<Node> {
        let made: Vec<String> = commands(self.survey)
            .into_iter()
            .filter(|command| function.mentions.makes_struct(&command.of.ident))
            .map(|command| command.name)
            .collect();
        made.iter().map(|name| self.node(NodeKind::Command, name)).collect()
    }

    fn finish(self) -> Flow {
        let nodes: Vec<Node> = self.nodes.into_iter().collect();
        let index: BTreeMap<&Node, usize> =
            nodes.iter().enumerate().map(|(index, node)| (node, index)).collect();
        let mut edges: Vec<(usize, usize)> =
            self.edges.iter().map(|(from, to)| (index[from], index[to])).collect();
        edges.sort_unstable();
        Flow { nodes, edges }
    }
}
