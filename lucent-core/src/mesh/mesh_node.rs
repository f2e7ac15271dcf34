//! A node that takes part: routes its own calls, and runs those of others.
//!
//! Invariants: the calls of a shard run one after another, in the order of their arrival; a node
//! that has not reached the others for as long as it takes to be given up by them runs no keyed call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use crate::{
    Uuid,
    mesh::{
        Beat, BeatPolicy, Call, Capacity, Gate, Load, Members, Needs, NodeId, NotOwner, Nowhere,
        Ownership, PeakLatency, Request, Shard, Slots, Transport, TransportError, WaitingRoom,
        Waits,
        holds::{Inside, Place, Sent},
        route::{Knowledge, route},
    },
    time::Clock,
};

/// What a node does with a call.
#[async_trait]
pub trait Serve: Send + Sync + 'static {
    /// The functions it runs, as `name v1`.
    fn functions(&self) -> BTreeSet<Arc<str>>;

    /// Runs a call.
    ///
    /// # Errors
    /// What went wrong, as a text.
    async fn serve(&self, request: &Request) -> Result<Bytes, String>;
}

/// A node. Clones are the same node.
#[derive(Clone)]
pub struct MeshNode {
    inner: Arc<Inner>,
}

/// A node as the network knows it: it does not keep the node running.
#[derive(Clone)]
pub(super) struct WeakMeshNode(Weak<Inner>);

struct Inner {
    id: NodeId,
    capacity: Capacity,
    policy: BeatPolicy,
    functions: Arc<BTreeSet<Arc<str>>>,
    handler: Arc<dyn Serve>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// The epoch of the table that is in force.
    epoch: watch::Sender<u64>,
    /// How many shards are being given up.
    closing: watch::Sender<usize>,
}

pub(super) struct State {
    members: Members,
    pub(super) ownership: Arc<Ownership>,
    pub(super) gate: Gate,
    pub(super) slots: Slots,
    pub(super) room: WaitingRoom<oneshot::Sender<()>>,
    pub(super) sent: BTreeMap<NodeId, u32>,
    latency: PeakLatency,
    pub(super) lines: HashMap<Shard, Arc<tokio::sync::Mutex<()>>>,
    sequence: u64,
    draining: bool,
    /// When the newest beat was sent that reached the others.
    pub(super) contact: Duration,
}

/// A call that came to nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// No node can take it.
    #[error(transparent)]
    Nowhere(#[from] Nowhere),
    /// The last node that was tried did not run it.
    #[error(transparent)]
    Node(#[from] TransportError),
}

impl MeshNode {
    /// A node that has not reached anybody yet.
    #[must_use]
    pub fn new(
        id: NodeId,
        capacity: Capacity,
        policy: BeatPolicy,
        handler: Arc<dyn Serve>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State {
            members: Members::new(policy),
            ownership: Arc::new(Ownership::nobody()),
            gate: Gate::new(),
            slots: Slots::new(capacity.slots),
            room: WaitingRoom::new(capacity.slots as usize * SEATS_PER_SLOT),
            sent: BTreeMap::new(),
            latency: PeakLatency::new(LATENCY_FADES),
            lines: HashMap::new(),
            sequence: 0,
            draining: false,
            contact: Duration::ZERO,
        };
        let inner = Inner {
            id,
            capacity,
            policy,
            functions: Arc::new(handler.functions()),
            handler,
            transport,
            clock,
            state: Mutex::new(state),
            epoch: watch::Sender::new(0),
            closing: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn downgrade(&self) -> WeakMeshNode {
        WeakMeshNode(Arc::downgrade(&self.inner))
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        &self.inner.id
    }

    /// Calls a function, here or elsewhere. A call without a key is tried on other nodes if one
    /// does not run it: functions are pure, so running one twice does no harm. A call with a key
    /// waits for its shard's next owner if the shard is changing hands.
    ///
    /// # Errors
    /// [`MeshError`].
    ///
    /// # Cancel safety
    /// A call that is given up may have run.
    pub async fn call(&self, request: Request) -> Result<Bytes, MeshError> {
        let patience = request.patience;
        let late = || TransportError::Late { node: self.inner.id.clone(), patience };
        match tokio::time::timeout(patience, self.try_nodes(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(late().into()),
        }
    }

    async fn try_nodes(&self, request: Request) -> Result<Bytes, MeshError> {
        let mut tried = BTreeSet::new();
        let mut last = None;
        loop {
            let node = match (self.route(&request, &tried), last.take()) {
                (Ok(node), _) => node,
                // No other node can take it: what the last one said is why.
                (Err(_), Some(failed)) => return Err(failed),
                (Err(nowhere), None) => return Err(nowhere.into()),
            };
            let failed = match self.hand_to(&node, request.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            match failed {
                TransportError::NotOwner(NotOwner { epoch, .. }) => self.wait_for(epoch).await,
                failed if request.key.is_some() || !failed.is_about_the_node() => {
                    return Err(failed.into());
                }
                failed => {
                    tried.insert(node);
                    if tried.len() > MOST_NODES {
                        return Err(failed.into());
                    }
                    last = Some(MeshError::from(failed));
                }
            }
        }
    }

    fn route(&self, request: &Request, tried: &BTreeSet<NodeId>) -> Result<NodeId, Nowhere> {
        let state = self.lock();
        let mut members = state.members.clone();
        for node in tried {
            members.left(node);
        }
        let call = Call {
            function: &request.function,
            key: request.key.as_deref(),
            needs: Needs::default(),
        };
        let knowledge = Knowledge {
            me: &self.inner.id,
            members: &members,
            ownership: &state.ownership,
            sent: &state.sent,
            now: self.now(),
        };
        let (one, two) = Uuid::new_v4().as_u64_pair();
        route(&call, &knowledge, [one, two]).map(|route| route.node)
    }

    async fn hand_to(&self, node: &NodeId, request: Request) -> Result<Bytes, TransportError> {
        if *node == self.inner.id {
            return self.receive(request).await;
        }
        let _counted = Sent::count(self, node);
        self.inner.transport.send(node, request).await
    }

    /// Waits until the table of owners has changed, or is of that epoch.
    async fn wait_for(&self, epoch: u64) {
        let mut epochs = self.inner.epoch.subscribe();
        let known = *epochs.borrow_and_update();
        if known < epoch {
            // The sender lives as long as this node.
            drop(epochs.wait_for(|now| *now >= epoch).await);
        } else {
            drop(epochs.changed().await);
        }
    }

    /// Runs a call that was routed to this node.
    ///
    /// # Errors
    /// [`TransportError`].
    ///
    /// # Cancel safety
    /// A call that is given up is not run on; its place and its turn are free again.
    pub async fn receive(&self, request: Request) -> Result<Bytes, TransportError> {
        let shard = request.key.as_deref().map(Shard::of);
        let inside = shard.map(|shard| Inside::enter(self, shard)).transpose()?;
        let line = inside.as_ref().map(|inside| inside.line());
        let _turn = match &line {
            Some(line) => Some(line.lock().await),
            None => None,
        };
        let _place = self.place(&request).await?;
        let started = self.now();
        let outcome = self.inner.handler.serve(&request).await;
        let now = self.now();
        self.lock().latency.saw(now.saturating_sub(started), now);
        outcome.map_err(|reason| TransportError::Failed {
            node: self.inner.id.clone(),
            function: Arc::clone(&request.function),
            reason,
        })
    }

    async fn place(&self, request: &Request) -> Result<Place<'_>, TransportError> {
        let busy = || TransportError::Busy { node: self.inner.id.clone() };
        let called = {
            let mut state = self.lock();
            if state.slots.take(request.urgency) {
                return Ok(Place(self));
            }
            let (call_in, called) = oneshot::channel();
            let deadline = self.now() + request.patience;
            match state.room.enter(request.urgency, deadline, call_in) {
                Waits::TurnedAway(_) => return Err(busy()),
                // Who is turned away learns it from the dropped way in.
                Waits::Seated | Waits::InsteadOf(_) => called,
            }
        };
        called.await.map(|()| Place(self)).map_err(|_| busy())
    }

    /// Tells the others how this node is, and learns how they are; to be done once in each
    /// [`BeatPolicy::every`].
    ///
    /// # Errors
    /// When nobody was reached.
    pub async fn beat(&self) -> Result<(), TransportError> {
        let sent_at = self.now();
        let others = self.inner.transport.announce(self.next_beat()).await?;
        let mut state = self.lock();
        state.contact = std::cmp::max(state.contact, sent_at);
        let now = self.now();
        for beat in others {
            state.members.heard(beat, now);
        }
        Ok(())
    }

    fn next_beat(&self) -> Beat {
        let mut state = self.lock();
        state.sequence += 1;
        let waiting = u32::try_from(state.room.len()).unwrap_or(u32::MAX);
        let in_flight = state.slots.taken().saturating_add(waiting);
        let load = Load {
            in_flight,
            latency: state.latency.mean(),
            cpu_pressure: f64::from(in_flight) / f64::from(self.inner.capacity.slots.max(1)),
            ..Load::idle(&self.inner.capacity)
        };
        Beat {
            node: self.inner.id.clone(),
            sequence: state.sequence,
            capacity: self.inner.capacity,
            load,
            serves: Arc::clone(&self.inner.functions),
            draining: state.draining,
        }
    }

    /// Takes nothing new from now on, and says so with the next beat.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Gives up the shards that another node owns in this table. Cancel safe.
    pub async fn give_up(&self, next: &Ownership) {
        let left = {
            let mut state = self.lock();
            state.gate.learn(next.epoch());
            let lost: Vec<Shard> = state
                .gate
                .held()
                .filter(|shard| next.owner(*shard) != Some(&self.inner.id))
                .collect();
            lost.into_iter().filter(|shard| !state.gate.close(*shard)).count()
        };
        let mut closing = self.inner.closing.subscribe();
        self.inner.closing.send_replace(left);
        // The sender lives as long as this node.
        drop(closing.wait_for(|left| *left == 0).await);
    }

    /// Serves the shards that it owns in this table; the owners before it have
    /// [given them up](Self::give_up), or are gone.
    pub fn take_over(&self, ownership: Arc<Ownership>) {
        let epoch = ownership.epoch();
        {
            let mut state = self.lock();
            for shard in ownership.shards_of(&self.inner.id) {
                state.gate.open(shard);
            }
            state.gate.learn(epoch);
            state.ownership = ownership;
        }
        self.inner.epoch.send_replace(epoch);
    }

    /// After how long without contact the others take this node's shards.
    pub(super) fn patience_of_others(&self) -> Duration {
        self.inner.policy.every.saturating_mul(self.inner.policy.gone_after)
    }

    /// A shard that was being given up has no call left.
    pub(super) fn gave_up_a_shard(&self) {
        self.inner.closing.send_modify(|left| *left = left.saturating_sub(1));
    }

    pub(super) fn now(&self) -> Duration {
        let micros = self.inner.clock.now().as_micros();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WeakMeshNode {
    pub(super) fn upgrade(&self) -> Option<MeshNode> {
        self.0.upgrade().map(|inner| MeshNode { inner })
    }
}

impl fmt::Debug for MeshNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeshNode").field(&self.inner.id).finish()
    }
}

/// How many calls wait for each place before further ones are turned away.
const SEATS_PER_SLOT: usize = 16;

/// How many nodes are tried after the first.
const MOST_NODES: usize = 2;

/// How fast a slow call is forgotten.
const LATENCY_FADES: Duration = Duration::from_secs(10);
