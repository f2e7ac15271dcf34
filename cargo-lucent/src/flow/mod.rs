//! How messages flow: commands, the functions that decide them, events, what follows events, and
//! the queries that read the result.
//!
//! Invariant: an edge is drawn where the code says so: by parameters, return types and the variants
//! that a body makes or matches on. A body that names no variant of its events concerns all of them.

mod mermaid;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

use lucent_syntax::ArgumentValue;
use serde_json::{Value, json};
use syn::visit::{self, Visit};

pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;

use crate::{
    diagnostic::Place,
    manifest::full_name,
    survey::{Event, Function, Message, Survey, commands, events, queries, views},
};

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
    let mut drawing = Drawing {
        survey,
        events: BTreeMap::new(),
        messages: BTreeMap::new(),
        commands: Vec::new(),
        edges: BTreeSet::new(),
        nodes: BTreeSet::new(),
    };
    for event in events(survey) {
        drawing.node(NodeKind::Event, &event.name);
        drawing.events.entry(event.set.place.clone()).or_default().push(event);
    }
    let kinds = [NodeKind::Command, NodeKind::Query, NodeKind::View];
    for (kind, messages) in
        kinds.into_iter().zip([commands(survey), queries(survey), views(survey)])
    {
        for message in messages {
            let node = drawing.node(kind, &message.name);
            drawing.messages.insert((kind, message.of.place.clone()), node);
            if kind == NodeKind::Command {
                drawing.commands.push(message);
            }
        }
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
    /// By the place of their set.
    events: BTreeMap<Place, Vec<Event<'a>>>,
    /// By the place of their type.
    messages: BTreeMap<(NodeKind, Place), Node>,
    commands: Vec<Message<'a>>,
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
                let node = match kind {
                    NodeKind::Function => self.node(kind, &full_name(function)),
                    _ => self.node(kind, &function.name),
                };
                let followed = match kind {
                    NodeKind::Function => self.published(function),
                    _ => self.events_of(&inputs, &function.mentions.matched),
                };
                for event in followed {
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

    fn messages(&self, types: &[usize], kind: NodeKind) -> Vec<Node> {
        let of =
            |index: &usize| self.messages.get(&(kind, self.survey.types[*index].place.clone()));
        types.iter().filter_map(of).cloned().collect()
    }

    /// The events of the sets among some types that a body names, or all of them.
    fn events_of(&self, types: &[usize], named: &BTreeSet<(String, String)>) -> Vec<Node> {
        let mut found = Vec::new();
        for index in types {
            let set = &self.survey.types[*index];
            let of_set = self.events.get(&set.place).map(Vec::as_slice).unwrap_or_default();
            let is_named = |event: &Event<'_>| {
                [set.ident.as_str(), ""]
                    .iter()
                    .any(|of| named.contains(&((*of).to_owned(), event.ident.clone())))
            };
            let names_some = of_set.iter().any(is_named);
            let chosen = of_set.iter().filter(|event| !names_some || is_named(event));
            found.extend(
                chosen.map(|event| Node { kind: NodeKind::Event, name: event.name.clone() }),
            );
        }
        found
    }

    /// The events that a function runs on: `on = Event`, or `on = Event::Variant`.
    fn published(&self, function: &Function) -> Vec<Node> {
        let Some(ArgumentValue::Value(on)) = function.arguments.find("on").map(|on| &on.value)
        else {
            return Vec::new();
        };
        let syn::Expr::Path(path) = &**on else {
            return Vec::new();
        };
        let path: Vec<String> =
            path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let lookup = |path: &[String]| {
            self.survey.lookup_segments(path, &function.target.crate_name, &function.module)
        };
        if let Some(whole) = lookup(&path) {
            return self.events_of(&[whole], &function.mentions.matched);
        }
        let [set @ .., variant] = path.as_slice() else {
            return Vec::new();
        };
        let only = BTreeSet::from([(String::new(), variant.clone())]);
        lookup(set).map_or_else(Vec::new, |set| self.events_of(&[set], &only))
    }

    fn made_commands(&self, function: &Function) -> Vec<Node> {
        let made = self
            .commands
            .iter()
            .filter(|command| function.mentions.makes_struct(&command.of.ident));
        made.map(|command| Node { kind: NodeKind::Command, name: command.name.clone() }).collect()
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
