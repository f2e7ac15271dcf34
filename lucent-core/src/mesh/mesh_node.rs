//! A node that takes part: what it knows of the others, and what they know of it.
//!
//! Invariant: a node that has not reached the others for as long as it takes to be given up by them
//! runs no keyed call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    mesh::{
        Beat, BeatPolicy, Capacity, Counts, Gate, Gauge, Load, Members, NodeId, Nowhere, Ownership,
        PeakLatency, Request, Shard, Slots, Transport, TransportError, WaitingRoom, holds::Seat,
    },
    position::Position,
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

    /// Waits until everything that runs here obeys what the log says up to a position; at once if
    /// nothing here is controlled by the log.
    async fn obey(&self, position: Position) {
        let _ = position;
    }

    /// What was counted here so far; the next beat tells the others.
    fn counts(&self) -> Counts {
        Counts::new()
    }

    /// Hears after each beat what all others together have counted, as far as their newest beats say.
    fn counted_elsewhere(&self, counts: &Counts) {
        let _ = counts;
    }

    /// Hears after each beat whether this node knows the others.
    fn contact(&self, contact: Contact) {
        let _ = contact;
    }
}

/// Whether a node knows the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Contact {
    /// It has reached them.
    Held,
    /// It has not reached them for so long that they are about to count it as gone.
    Lost,
}

/// A node. Clones are the same node.
#[derive(Clone)]
pub struct MeshNode {
    pub(super) inner: Arc<Inner>,
}

/// A node as the network knows it: it does not keep the node running.
#[derive(Clone)]
pub(super) struct WeakMeshNode(Weak<Inner>);

pub(super) struct Inner {
    pub(super) id: NodeId,
    pub(super) capacity: Capacity,
    pub(super) policy: BeatPolicy,
    functions: Arc<BTreeSet<Arc<str>>>,
    pub(super) handler: Arc<dyn Serve>,
    pub(super) transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// The epoch of the table that is in force.
    pub(super) epoch: watch::Sender<u64>,
    /// How many shards are being given up.
    closing: watch::Sender<usize>,
}

pub(super) struct State {
    pub(super) members: Members,
    pub(super) ownership: Arc<Ownership>,
    pub(super) gate: Gate,
    pub(super) slots: Slots,
    pub(super) room: WaitingRoom<Seat>,
    pub(super) sent: BTreeMap<NodeId, u32>,
    pub(super) latency: PeakLatency,
    pub(super) lines: HashMap<Shard, Arc<tokio::sync::Mutex<()>>>,
    sequence: u64,
    draining: bool,
    gauge: Option<Arc<dyn Gauge>>,
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
            slots: Slots::new(capacity.slots, capacity.memory),
            room: WaitingRoom::new(capacity.slots as usize * SEATS_PER_SLOT),
            sent: BTreeMap::new(),
            latency: PeakLatency::new(LATENCY_FADES),
            lines: HashMap::new(),
            sequence: 0,
            draining: false,
            gauge: None,
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

    /// Has the node's beats tell the pressure that this gauge reads, so that calls without a key and, over
    /// time, shards go where work waits less. Without one, and while it reads nothing, the pressure is
    /// the share of the node's places that are taken.
    ///
    /// ```no_run
    /// # fn with(node: lucent_core::mesh::MeshNode) -> lucent_core::mesh::MeshNode {
    /// use lucent_core::mesh::LinuxGauge;
    /// match LinuxGauge::find() {
    ///     Some(gauge) => node.with_gauge(gauge),
    ///     None => node,
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn with_gauge(self, gauge: impl Gauge) -> Self {
        self.lock().gauge = Some(Arc::new(gauge));
        self
    }

    pub(super) fn downgrade(&self) -> WeakMeshNode {
        WeakMeshNode(Arc::downgrade(&self.inner))
    }

    /// How often it is to beat, and what silence means.
    #[must_use]
    pub fn policy(&self) -> &BeatPolicy {
        &self.inner.policy
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        &self.inner.id
    }

    /// Tells the others how this node is, and learns how they are; to be done once in each
    /// [`BeatPolicy::every`].
    ///
    /// # Errors
    /// When nobody was reached.
    pub async fn beat(&self) -> Result<(), TransportError> {
        let sent_at = self.now();
        let announced = self.inner.transport.announce(self.next_beat());
        let announced = tokio::time::timeout(self.inner.policy.every, announced).await;
        let unreachable = || TransportError::Unreachable { node: self.inner.id.clone() };
        let others = match announced.map_err(|_| unreachable()).and_then(|announced| announced) {
            Ok(others) => others,
            Err(error) => {
                if self.is_nearly_given_up() {
                    self.inner.handler.contact(Contact::Lost);
                }
                return Err(error);
            }
        };
        self.hear(others);
        {
            let mut state = self.lock();
            state.contact = std::cmp::max(state.contact, sent_at);
        }
        self.inner.handler.contact(Contact::Held);
        self.inner.handler.counted_elsewhere(&self.counted_elsewhere());
        Ok(())
    }

    /// What the newest beats of all nodes that are there say, added up, without this one's.
    fn counted_elsewhere(&self) -> Counts {
        let now = self.now();
        let state = self.lock();
        let mut sum = Counts::new();
        let others = state.members.present(now).filter(|(beat, _)| beat.node != self.inner.id);
        for (name, numbers) in others.flat_map(|(beat, _)| &beat.counts) {
            let sum = sum.entry(Arc::clone(name)).or_default();
            for (sum, number) in sum.iter_mut().zip(numbers) {
                *sum = sum.saturating_add(*number);
            }
        }
        sum
    }

    /// Takes in how others are.
    pub(super) fn hear(&self, beats: Vec<Beat>) {
        let now = self.now();
        let mut state = self.lock();
        for beat in beats {
            state.members.heard(beat, now);
        }
    }

    /// Whether the others may count this node as gone before its next beat is over.
    fn is_nearly_given_up(&self) -> bool {
        let contact = self.lock().contact;
        let margin = self.inner.policy.every.saturating_mul(2);
        self.now().saturating_add(margin) >= contact.saturating_add(self.patience_of_others())
    }

    fn next_beat(&self) -> Beat {
        let counts = self.inner.handler.counts();
        let gauge = self.lock().gauge.clone();
        let pressure = gauge.and_then(|gauge| gauge.read()).unwrap_or_default();
        let mut state = self.lock();
        state.sequence += 1;
        let waiting = u32::try_from(state.room.len()).unwrap_or(u32::MAX);
        let in_flight = state.slots.taken().saturating_add(waiting);
        let taken = f64::from(in_flight) / f64::from(self.inner.capacity.slots.max(1));
        let load = Load {
            in_flight,
            latency: state.latency.mean(),
            // Whose calls wait for places is busy, whatever else the machine does.
            cpu_pressure: taken.max(pressure.cpu),
            memory_pressure: pressure.memory,
            free_memory: state.slots.free_memory(),
        };
        Beat {
            node: self.inner.id.clone(),
            sequence: state.sequence,
            capacity: self.inner.capacity,
            load,
            serves: Arc::clone(&self.inner.functions),
            draining: state.draining,
            counts,
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

/// How fast a slow call is forgotten.
const LATENCY_FADES: Duration = Duration::from_secs(10);
