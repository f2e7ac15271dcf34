//! Nodes of a desk that share their functions.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
    mpsc,
};

use lucent_core::{
    ManualClock, Timestamp,
    function::ManagerError,
    mesh::{BeatPolicy, Capacity, InProcessMesh, NodeId, Shard},
    prelude::*,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub pair: String,
    pub amount: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("nobody pays for nothing")]
pub struct Nothing;

#[function(shard_by = pair, version = 2, priority = High, needs(cpu = "1ms", memory = "1MiB"))]
pub fn fee(order: &Order) -> Result<u64, Nothing> {
    match order.amount {
        0 => Err(Nothing),
        13 => panic!("thirteen"),
        amount => Ok(amount / 200),
    }
}

#[function(of = fee, version = 1)]
pub fn fee_v1(order: &Order) -> Result<u64, Nothing> {
    Ok(order.amount / 100)
}

/// Everything that an input can be made of.
#[function(needs(cpu = "1ms"))]
pub fn join(words: &[String], between: &str, times: u8) -> String {
    words.join(&between.repeat(times.into()))
}

/// Cannot be read again.
#[derive(Serialize)]
pub struct Local(pub u64);

#[function]
pub fn local(input: &Local) -> u64 {
    input.0
}

pub struct Keyed {
    pub pair: String,
}

#[function(shard_by = pair)]
pub fn keyed(input: &Keyed) -> usize {
    input.pair.len()
}

#[function(needs(memory = "2GiB"))]
pub fn large(order: &Order) -> u64 {
    order.amount
}

#[function(shard_by = pair, needs(memory = "2GiB"))]
pub fn large_by_key(order: &Order) -> u64 {
    order.amount
}

/// Counts its calls.
#[function]
pub fn counted(order: &Order) -> u64 {
    CALLS.fetch_add(1, Ordering::SeqCst);
    order.amount
}

pub static CALLS: AtomicU64 = AtomicU64::new(0);

/// Says that it runs, and goes on when it is told to.
#[function]
pub fn held(order: &Order) -> u64 {
    let gate = GATE.lock().unwrap().take().unwrap();
    gate.begun.send(()).unwrap();
    gate.go_on.recv().unwrap();
    order.amount
}

pub struct Gate {
    pub begun: mpsc::Sender<()>,
    pub go_on: mpsc::Receiver<()>,
}

pub static GATE: Mutex<Option<Gate>> = Mutex::new(None);

lucent_core::registry! {
    functions: [fee, fee_v1, join, local, keyed, large, large_by_key, counted, held],
}

pub type Functions = FunctionManager<Registry>;

pub struct Desk {
    pub mesh: InProcessMesh,
    clock: ManualClock,
    pub store: MemoryStore,
    pub nodes: Vec<Functions>,
}

impl Desk {
    /// Nodes that share one store and all shards.
    pub async fn of(names: &[&'static str]) -> Self {
        let clock = ManualClock::at(Timestamp::from_micros(1_000_000));
        let mesh = InProcessMesh::new(BeatPolicy::default(), Arc::new(clock.clone()));
        let mut desk = Self { mesh, clock, store: MemoryStore::new(), nodes: Vec::new() };
        for name in names {
            let node = desk.start(name).await.unwrap();
            desk.nodes.push(node);
        }
        desk.mesh.beat().await;
        desk.mesh.settle().await;
        desk
    }

    pub async fn start(&self, name: &'static str) -> Result<Functions, ManagerError> {
        let mesh = self.mesh.clone();
        FunctionManager::new(registry())
            .store(self.store.clone())
            .mesh(move |functions| mesh.join(name, CAPACITY, functions))
            .start()
            .await
    }

    pub fn owner(&self, key: &str) -> NodeId {
        self.mesh.ownership().owner(Shard::of(key)).unwrap().clone()
    }

    /// A key of a node.
    pub fn key_of(&self, node: &str) -> String {
        let mut keys = (0..).map(|number: u32| format!("key-{number}"));
        keys.find(|key| self.owner(key).as_str() == node).unwrap()
    }

    /// Silence until whoever does not beat counts as gone.
    pub async fn pass(&self) {
        for _ in 0..11 {
            self.clock.advance(BeatPolicy::default().every);
            self.mesh.beat().await;
        }
    }
}

const CAPACITY: Capacity = Capacity { weight: 1, slots: 8, memory: 1 << 30 };

pub fn order(pair: &str, amount: u64) -> Order {
    Order { pair: pair.to_owned(), amount }
}

pub fn nobody() -> CallContext<'static> {
    CallContext::nobody()
}
