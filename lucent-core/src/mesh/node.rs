//! A node: its name, what it has to give, and what it says of itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use crate::mesh::Load;

/// The name of a node, unique among those that share work.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// A node of this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeId {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a node has to give.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// How much it can do beside the others: twice the weight gets twice the shards.
    pub weight: u16,
    /// How many calls it runs at once.
    pub slots: u32,
    /// How many bytes calls may use.
    pub memory: u64,
}

/// What a call takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// How long it keeps a processor busy.
    pub cpu: Duration,
    /// How many bytes it uses.
    pub memory: u64,
}

/// How urgent a call is; the least urgent one is turned away first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// Turned away first.
    Low,
    /// Unless said otherwise.
    #[default]
    Normal,
    /// Turned away after the normal ones.
    High,
    /// Turned away last.
    Critical,
}

/// What a node says of itself, again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    /// Who says it.
    pub node: NodeId,
    /// Grows with each beat, so that an old one that comes late is ignored.
    pub sequence: u64,
    /// What it has to give.
    pub capacity: Capacity,
    /// How busy it is.
    pub load: Load,
    /// Which functions it runs, as `name v1`.
    pub serves: Arc<BTreeSet<Arc<str>>>,
    /// Whether it finishes what it has and takes nothing new.
    pub draining: bool,
    /// What it has counted so far, to be added to what the others counted.
    pub counts: Counts,
}

/// Numbers of calls, by what was counted; whoever serves the calls knows what the numbers are.
pub type Counts = BTreeMap<Arc<str>, [u64; 3]>;
