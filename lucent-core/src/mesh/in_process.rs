//! Several nodes in one process, for tests and simulations.
//!
//! Invariant: a node that is cut off reaches nobody and is reached by nobody, and nothing else
//! tells it from one that is dead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    mesh::{
        Beat, BeatPolicy, Capacity, Members, MeshNode, NodeId, Ownership, Request, Serve, Standing,
        Transport, TransportError, mesh_node::WeakMeshNode,
    },
    position::Position,
    time::Clock,
};

/// A network without wires, whose links can be cut. Clones are the same network.
#[derive(Clone)]
pub struct InProcessMesh {
    inner: Arc<Inner>,
}

struct Inner {
    policy: BeatPolicy,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// A node lives as long as somebody outside has it; dropping it is its death.
    nodes: BTreeMap<NodeId, WeakMeshNode>,
    cut: BTreeSet<NodeId>,
    members: Members,
    ownership: Arc<Ownership>,
}

impl InProcessMesh {
    /// A network without nodes.
    #[must_use]
    pub fn new(policy: BeatPolicy, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            nodes: BTreeMap::new(),
            cut: BTreeSet::new(),
            members: Members::new(policy),
            ownership: Arc::new(Ownership::nobody()),
        };
        Self { inner: Arc::new(Inner { policy, clock, state: Mutex::new(state) }) }
    }

    /// Adds a node. It takes part after its first [beat](MeshNode::beat), and gets shards at the
    /// next [settling](Self::settle).
    pub fn join(
        &self,
        id: impl Into<NodeId>,
        capacity: Capacity,
        handler: Arc<dyn Serve>,
    ) -> MeshNode {
        let id = id.into();
        let link = Arc::new(Link { mesh: self.clone(), me: id.clone() });
        let clock = Arc::clone(&self.inner.clock);
        let node = MeshNode::new(id.clone(), capacity, self.inner.policy, handler, link, clock);
        self.lock().nodes.insert(id, node.downgrade());
        node
    }

    /// Cuts a node off.
    pub fn cut(&self, node: &NodeId) {
        self.lock().cut.insert(node.clone());
    }

    /// Ends the cut.
    pub fn mend(&self, node: &NodeId) {
        self.lock().cut.remove(node);
    }

    /// Has each node beat once; those that are cut off do not succeed.
    pub async fn beat(&self) {
        let nodes: Vec<_> = self.lock().nodes.values().filter_map(WeakMeshNode::upgrade).collect();
        // Twice, so that the first one hears of the last one.
        for node in nodes.iter().chain(&nodes) {
            // A failure is what a cut is for.
            drop(node.beat().await);
        }
    }

    /// Shares the shards among the nodes that are there now, and has them know each other. Who loses a shard finishes what it runs
    /// of it first; a node that is gone is not waited for.
    pub async fn settle(&self) {
        let (next, reached, beats) = {
            let state = self.lock();
            let weights = state
                .members
                .present(self.now())
                .filter(|(_, standing)| *standing != Standing::Draining)
                .map(|(beat, _)| (beat.node.clone(), beat.capacity.weight))
                .collect();
            let epoch = state.ownership.epoch() + 1;
            let next = Ownership::of(epoch, &weights, state.ownership.moved());
            let present = state.members.present(self.now()).map(|(beat, _)| &beat.node);
            let reached: Vec<_> = present
                .filter(|node| !state.cut.contains(*node))
                .filter_map(|node| state.nodes.get(node).and_then(WeakMeshNode::upgrade))
                .collect();
            let beats = state.members.present(self.now()).map(|(beat, _)| beat.clone());
            (Arc::new(next), reached, beats.collect::<Vec<_>>())
        };
        for node in &reached {
            node.hear(beats.clone());
            node.give_up(&next).await;
        }
        for node in &reached {
            node.take_over(Arc::clone(&next));
        }
        self.lock().ownership = next;
    }

    /// The table of owners that is in force.
    #[must_use]
    pub fn ownership(&self) -> Arc<Ownership> {
        Arc::clone(&self.lock().ownership)
    }

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.inner.clock.now().as_micros()).unwrap_or(0))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way of one node to the others.
#[derive(Debug)]
struct Link {
    mesh: InProcessMesh,
    me: NodeId,
}

impl Link {
    fn reach(&self, to: &NodeId) -> Option<MeshNode> {
        let state = self.mesh.lock();
        let is_cut = state.cut.contains(to) || state.cut.contains(&self.me);
        state.nodes.get(to).filter(|_| !is_cut).and_then(WeakMeshNode::upgrade)
    }
}

#[async_trait]
impl Transport for Link {
    async fn send(&self, to: &NodeId, request: Request) -> Result<Bytes, TransportError> {
        match self.reach(to) {
            Some(node) => node.receive(request).await,
            None => Err(TransportError::Unreachable { node: to.clone() }),
        }
    }

    async fn confirm(&self, to: &NodeId, position: Position) -> Result<(), TransportError> {
        let unreachable = || TransportError::Unreachable { node: to.clone() };
        self.reach(to).ok_or_else(unreachable)?.obey(position).await;
        // An answer from behind a cut does not arrive.
        self.reach(to).map(drop).ok_or_else(unreachable)
    }

    async fn announce(&self, beat: Beat) -> Result<Vec<Beat>, TransportError> {
        let now = self.mesh.now();
        let mut state = self.mesh.lock();
        if state.cut.contains(&self.me) {
            return Err(TransportError::Unreachable { node: self.me.clone() });
        }
        state.members.heard(beat, now);
        Ok(state.members.present(now).map(|(beat, _)| beat.clone()).collect())
    }
}

impl fmt::Debug for InProcessMesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessMesh").finish_non_exhaustive()
    }
}
