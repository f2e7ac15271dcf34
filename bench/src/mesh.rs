//! What it takes to switch a function off on five nodes under load, and what sending a call costs.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lucent_core::{
    SystemClock,
    function::{FunctionManager, Scope},
    mesh::{BeatPolicy, Capacity, InProcessMesh, Shard},
    prelude::*,
};

use crate::{
    Outcome, RUNS, Registry,
    report::{Figure, Goal, median},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quote {
    pub pair: String,
    pub price: u64,
}

/// Counts its calls.
#[function(shard_by = pair)]
fn mark(quote: &Quote) -> u64 {
    RAN.fetch_add(1, Ordering::SeqCst);
    quote.price / 2
}

static RAN: AtomicU64 = AtomicU64::new(0);

type Functions = FunctionManager<Registry>;

pub fn run() -> Outcome {
    let runtime = crate::runtime()?;
    let mut figures = vec![runtime.block_on(switching())?];
    figures.extend(runtime.block_on(sending())?);
    Ok(figures)
}

const NODES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// How often the function is switched off.
const ROUNDS: usize = 40;

/// How many calls are made in a millisecond.
const CALLS: u64 = 10;

/// Nodes on one store that share all shards.
async fn nodes() -> Result<(InProcessMesh, Vec<Functions>), Box<dyn std::error::Error>> {
    let mesh = InProcessMesh::new(BeatPolicy::default(), Arc::new(SystemClock));
    let store = MemoryStore::new();
    let mut nodes = Vec::new();
    for name in NODES {
        let (store, joined) = (store.clone(), mesh.clone());
        let capacity = Capacity { weight: 1, slots: 64, memory: 1 << 30 };
        let node = FunctionManager::new(crate::registry())
            .store(store)
            .mesh(move |functions| joined.join(name, capacity, functions));
        nodes.push(node.start().await?);
    }
    mesh.beat().await;
    mesh.settle().await;
    Ok((mesh, nodes))
}

/// Disables the function again and again while 10,000 calls a second come to all nodes.
async fn switching() -> Result<Figure, Box<dyn std::error::Error>> {
    let (_mesh, nodes) = nodes().await?;
    let alone = FunctionManager::new(crate::registry()).store(MemoryStore::new()).start().await?;
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(disable(&alone).await?);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(make_calls(nodes.clone(), Arc::clone(&stop)));
    let start = Instant::now();
    for _ in 0..ROUNDS {
        tokio::time::sleep(Duration::from_millis(20)).await;
        all.push(disable(&nodes[0]).await?);
    }
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::SeqCst);
    let rate = load.await? as f64 / seconds;
    if rate < 9_500.0 {
        return Err(format!("only {rate:.0} calls a second were made").into());
    }
    let slowest = all.into_iter().fold(0.0, f64::max);
    Ok(Figure::new(
        "disabling a function on 5 nodes under 10,000 calls/s: slowest of 40",
        slowest,
        "ms",
        "one process without calls, median",
        median(one),
        Goal::AtMost(50.0),
    ))
}

/// Milliseconds until the function was disabled. Not one call may run from then on.
async fn disable(functions: &Functions) -> Result<f64, Box<dyn std::error::Error>> {
    let control = functions.control::<mark>("bench");
    let start = Instant::now();
    control.disable(Scope::Everywhere, "to measure it").await?;
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    let ran = RAN.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let late = RAN.load(Ordering::SeqCst) - ran;
    if late > 0 {
        return Err(format!("{late} calls ran after the function was disabled").into());
    }
    control.enable(Scope::Everywhere, "to measure it again").await?;
    Ok(took)
}

/// Makes calls on all nodes in turn, with keys of all nodes; gives how many it made.
async fn make_calls(nodes: Vec<Functions>, stop: Arc<AtomicBool>) -> u64 {
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut made = 0;
    while !stop.load(Ordering::SeqCst) {
        tick.tick().await;
        for _ in 0..CALLS {
            let node = nodes[usize::try_from(made % 5).unwrap_or_default()].clone();
            let quote = Quote { pair: format!("pair-{}", made % 97), price: made };
            made += 1;
            tokio::spawn(async move {
                // While it is disabled, calls are refused.
                drop(node.dispatch::<mark>(CallContext::nobody(), &quote).await);
            });
        }
    }
    made
}

const SENDS: u32 = 50_000;

/// What a dispatched call costs on the node that it comes from, and on another one.
async fn sending() -> Outcome {
    let (mesh, nodes) = nodes().await?;
    let owned_by = |node: &str| {
        let ownership = mesh.ownership();
        let mut pairs = (0..).map(|number: u32| format!("pair-{number}"));
        let is_owned = |pair: &String| {
            ownership.owner(Shard::of(pair)).is_some_and(|owner| owner.as_str() == node)
        };
        pairs.find(is_owned).map(|pair| Quote { pair, price: 990 })
    };
    let here = owned_by("a").ok_or("node a owns no shard")?;
    let there = owned_by("b").ok_or("node b owns no shard")?;
    let functions = &nodes[0];
    let (mut called, mut stayed, mut went) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..SENDS {
            drop(black_box(functions.call::<mark>(CallContext::nobody(), black_box(&here))));
        }
        called.push(micros_each(start));
        stayed.push(dispatched(functions, &here).await?);
        went.push(dispatched(functions, &there).await?);
    }
    let called = median(called);
    let figure = |name: &str, all: Vec<f64>, most: f64| {
        Figure::new(name, median(all), "us", "calling it", called, Goal::AtMost(most))
    };
    Ok(vec![
        figure("dispatched call that stays on its node", stayed, 50.0),
        figure("dispatched call to another node in the process", went, 50.0),
    ])
}

async fn dispatched(
    functions: &Functions,
    quote: &Quote,
) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    for _ in 0..SENDS {
        black_box(functions.dispatch::<mark>(CallContext::nobody(), quote).await?);
    }
    Ok(micros_each(start))
}

fn micros_each(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1_000_000.0 / f64::from(SENDS)
}
