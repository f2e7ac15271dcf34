//! Event handlers that several applications on one store share, and how often they are committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lucent_core::{
    prelude::*,
    store::{LeaseStore as _, ProjectionId, ReadModelStore as _, Store},
};

use super::{
    domain::{TillEvent, add, app, open},
    store_with_faults::{Fault, StoreWithFaults},
};

/// A coin that a handler has seen.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Coin {
    till: String,
    version: u64,
}

/// What the handlers of all nodes have seen, each with its node, in their order.
#[derive(Clone, Default)]
struct Basket(Arc<Mutex<Vec<(&'static str, Coin)>>>);

/// What a node's handler does with coins.
#[derive(Clone)]
struct Collector {
    node: &'static str,
    basket: Basket,
    obstacle: Arc<Obstacle>,
}

/// At which version of a till a handler fails, or hangs; zero is no version.
#[derive(Default)]
struct Obstacle {
    fails: AtomicU64,
    hangs: AtomicU64,
}

impl Collector {
    fn on(node: &'static str, basket: &Basket) -> Self {
        Self { node, basket: basket.clone(), obstacle: Arc::default() }
    }

    async fn collect(&self, event: &TillEvent, at: &RecordedEvent) -> Result<(), String> {
        let TillEvent::CoinAdded { .. } = event else { return Ok(()) };
        let version = at.version.get();
        if version == self.obstacle.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if version == self.obstacle.fails.load(Ordering::SeqCst) {
            return Err(format!("no {version}"));
        }
        let coin = Coin { till: at.stream.key().to_owned(), version };
        self.basket.0.lock().unwrap().push((self.node, coin));
        Ok(())
    }
}

impl Basket {
    fn all(&self) -> Vec<(&'static str, Coin)> {
        self.0.lock().unwrap().clone()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The versions that a node has seen of a till.
    fn of(&self, node: &str, till: &str) -> Vec<u64> {
        let mine = self.all().into_iter().filter(|(by, coin)| *by == node && coin.till == till);
        mine.map(|(_, coin)| coin.version).collect()
    }

    /// Waits until so many coins were seen.
    async fn holds(&self, count: usize) {
        until(async || self.len() >= count).await;
    }
}

/// Waits for something that comes about by itself; the clock runs ahead.
async fn until(is_so: impl AsyncFn() -> bool) {
    for _ in 0..2_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(LEASE / 100).await;
    }
    panic!("it does not come about");
}

/// The same handler, with other arguments, and after a pause if there is one.
macro_rules! collector {
    ($module:ident($($arguments:tt)*) $($pause:expr)?) => {
        mod $module {
            use super::*;

            #[event_handler(name = "collector" $($arguments)*)]
            pub async fn collect(
                event: &TillEvent,
                at: &RecordedEvent,
                collector: &Resource<Collector>,
            ) -> Result<(), String> {
                $(tokio::time::sleep($pause).await;)?
                collector.collect(event, at).await
            }

            lucent_core::registry! { functions: [collect] }
        }
    };
}

collector!(whole());
collector!(careful(, checkpoint(every = 1)));
collector!(divided(, partitions = 4));
collector!(slow() LEASE / 10);

/// The leases of these tests last so long.
const LEASE: Duration = Duration::from_secs(10);

const TILLS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

async fn node<R: lucent_core::registry::Registry>(
    registry: R,
    store: impl Store,
    collector: &Collector,
) -> App<R> {
    let parking = ParkingPolicy { tries: 2, ..ParkingPolicy::default() };
    let app = App::new(registry).store(store).resource(collector.clone()).lease_duration(LEASE);
    app.handler_parking(parking).start().await.unwrap()
}

/// An application that only writes, with these tills open.
async fn writer(
    store: &MemoryStore,
    tills: &[&str],
) -> App<super::domain::commands_only::Registry> {
    let writer = app(store.clone()).await;
    for till in tills {
        writer.execute(open(till)).await.unwrap();
    }
    writer
}

/// The checkpoint of the handler without partitions.
async fn checkpoint(store: &MemoryStore) -> Position {
    store.checkpoint(&ProjectionId::new("handler:collector", 1)).await.unwrap()
}

/// How many partitions each node works on.
async fn shares(store: &MemoryStore) -> Vec<usize> {
    let mut shares = BTreeMap::<_, usize>::new();
    for held in store.held_leases("handler/collector/partition/").await.unwrap() {
        *shares.entry(held.holder).or_default() += 1;
    }
    let mut shares: Vec<_> = shares.into_values().collect();
    shares.sort_unstable();
    shares
}

#[tokio::test(start_paused = true)]
async fn one_of_several_nodes_runs_a_handler_and_the_next_goes_on_where_it_left() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let writer = writer(&store, &["a"]).await;
    let first = node(whole::registry(), store.clone(), &Collector::on("first", &basket)).await;
    basket.holds(0).await;
    let second = node(whole::registry(), store.clone(), &Collector::on("second", &basket)).await;
    for _ in 0..20 {
        writer.execute(add("a", &[1])).await.unwrap();
        tokio::time::sleep(LEASE / 5).await;
    }
    assert_eq!(basket.of("first", "a"), (2..=21).collect::<Vec<_>>());
    assert_eq!((first.event_handlers()[0].working, second.event_handlers()[0].working), (1, 0));
    first.shutdown().await;
    writer.execute(add("a", &[1, 1])).await.unwrap();
    basket.holds(22).await;
    assert_eq!(basket.of("second", "a"), [22, 23], "nothing is skipped, and nothing comes again");
    let status = second.event_handler("collector").unwrap().status().await.unwrap();
    assert_eq!((status.partitions, status.working, status.lag), (1, 1, 0));
    assert!(!status.stopped && first.event_handlers()[0].stopped);
}

#[tokio::test(start_paused = true)]
async fn nodes_share_the_streams_of_a_handler_and_each_stream_keeps_its_order() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let writer = writer(&store, &TILLS).await;
    let mut nodes = Vec::new();
    for name in ["one", "two", "three"] {
        nodes.push(node(divided::registry(), store.clone(), &Collector::on(name, &basket)).await);
    }
    until(async || shares(&store).await == [1, 1, 2]).await;
    for round in 0..30 {
        for till in TILLS {
            writer.execute(add(till, &[1])).await.unwrap();
        }
        basket.holds((round + 1) * TILLS.len()).await;
        match round {
            10 => {
                nodes.remove(0).shutdown().await;
                until(async || shares(&store).await == [2, 2]).await;
            }
            20 => {
                let late = Collector::on("four", &basket);
                nodes.push(node(divided::registry(), store.clone(), &late).await);
                until(async || shares(&store).await == [1, 1, 2]).await;
            }
            _ => {}
        }
    }
    let all = basket.all();
    let unique: BTreeSet<_> = all.iter().map(|(_, coin)| coin).collect();
    assert_eq!((all.len(), unique.len()), (360, 360), "each event came once");
    for till in TILLS {
        let of_till = all.iter().filter(|(_, coin)| coin.till == till);
        let versions: Vec<_> = of_till.map(|(_, coin)| coin.version).collect();
        assert_eq!(versions, (2..=31).collect::<Vec<_>>(), "till {till}");
    }
    let nodes: BTreeSet<_> = all.iter().map(|(node, _)| node).collect();
    assert_eq!(nodes.len(), 4, "everybody has done something");
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_node_had_handled_since_its_checkpoint_comes_again_and_nothing_else() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let (mortal, faults) = StoreWithFaults::over(store.clone());
    writer(&store, &["a"]).await.execute(add("a", &[1; 250])).await.unwrap();
    let collector = Collector::on("dead", &basket);
    collector.obstacle.hangs.store(151, Ordering::SeqCst);
    let _dead = node(whole::registry(), mortal, &collector).await;
    basket.holds(149).await;
    faults.set(Fault::Frozen);
    let _next = node(whole::registry(), store.clone(), &Collector::on("next", &basket)).await;
    tokio::time::sleep(LEASE / 4).await;
    assert_eq!(basket.len(), 149, "the dead node's lease is not over");
    basket.holds(149 + 151).await;
    assert_eq!(basket.of("dead", "a"), (2..=150).collect::<Vec<_>>());
    assert_eq!(basket.of("next", "a"), (101..=251).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_lease_moves_no_checkpoint_and_handles_nothing_more() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let (slow_store, faults) = StoreWithFaults::over(store.clone());
    let writer = writer(&store, &["a"]).await;
    let _slow = node(careful::registry(), slow_store, &Collector::on("slow", &basket)).await;
    writer.execute(add("a", &[1])).await.unwrap();
    basket.holds(1).await;
    // It handles the next event, and falls asleep before the store hears of it.
    faults.set(Fault::HeldSteps);
    writer.execute(add("a", &[1, 1])).await.unwrap();
    basket.holds(2).await;
    faults.set(Fault::Frozen);
    let next = Collector::on("next", &basket);
    next.obstacle.hangs.store(3, Ordering::SeqCst);
    let _next = node(careful::registry(), store.clone(), &next).await;
    let before = checkpoint(&store).await;
    tokio::time::sleep(LEASE * 2).await;
    // The other node has the lease, and hangs at the same event.
    assert_eq!(shares(&store).await, [1]);
    faults.set(Fault::FrozenLeases);
    tokio::time::sleep(LEASE).await;
    assert_eq!(checkpoint(&store).await, before, "the step came from the right place, too late");
    assert_eq!(basket.of("slow", "a"), [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_behind_commits_once_for_many_events() {
    for (every, expected) in [(100, 3), (1, 250)] {
        let (store, basket) = (MemoryStore::new(), Basket::default());
        let (counted, faults) = StoreWithFaults::over(store.clone());
        writer(&store, &["a"]).await.execute(add("a", &[1; 249])).await.unwrap();
        let collector = Collector::on("one", &basket);
        let (_whole, _careful);
        if every == 1 {
            _careful = node(careful::registry(), counted, &collector).await;
        } else {
            _whole = node(whole::registry(), counted, &collector).await;
        }
        basket.holds(249).await;
        until(async || checkpoint(&store).await == Position::new(250)).await;
        assert_eq!(faults.steps(), expected, "every {every}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_at_the_end_of_the_log_commits_at_once() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let (counted, faults) = StoreWithFaults::over(store.clone());
    let writer = writer(&store, &["a"]).await;
    let _node = node(whole::registry(), counted, &Collector::on("one", &basket)).await;
    until(async || checkpoint(&store).await == Position::new(1)).await;
    for count in 1..=5 {
        let done = writer.execute(add("a", &[1])).await.unwrap();
        until(async || checkpoint(&store).await == done.position).await;
        assert_eq!((basket.len(), faults.steps()), (count, count + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_long_commits_after_each_event() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    writer(&store, &["a"]).await.execute(add("a", &[1; 20])).await.unwrap();
    let _node = node(slow::registry(), store.clone(), &Collector::on("one", &basket)).await;
    for seen in 1..20 {
        basket.holds(seen).await;
        assert!(checkpoint(&store).await.get() >= seen as u64, "{seen} seen");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_handled_before_a_failure_does_not_come_again() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    writer(&store, &["a"]).await.execute(add("a", &[1; 9])).await.unwrap();
    let collector = Collector::on("one", &basket);
    collector.obstacle.fails.store(5, Ordering::SeqCst);
    let app = App::new(whole::registry()).store(store.clone()).resource(collector.clone());
    let app = app.start().await.unwrap();
    until(async || app.event_handlers()[0].failure.is_some()).await;
    assert_eq!(checkpoint(&store).await, Position::new(4));
    collector.obstacle.fails.store(0, Ordering::SeqCst);
    basket.holds(9).await;
    assert_eq!(basket.of("one", "a"), (2..=10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn any_node_takes_up_what_a_partition_has_parked() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let writer = writer(&store, &TILLS).await;
    let works = Collector::on("works", &basket);
    works.obstacle.fails.store(3, Ordering::SeqCst);
    let working = node(divided::registry(), store.clone(), &works).await;
    until(async || shares(&store).await == [4]).await;
    for till in TILLS {
        writer.execute(add(till, &[1, 1, 1])).await.unwrap();
    }
    until(async || working.event_handlers()[0].parked_streams == TILLS.len()).await;
    let stands_by = Collector::on("stands by", &basket);
    let other = node(divided::registry(), store.clone(), &stands_by).await;
    let handler = other.event_handler("collector").unwrap();
    let lines = handler.parked().await.unwrap();
    let keys: Vec<_> = lines.iter().map(|line| line.first.stream.key().to_owned()).collect();
    assert_eq!(keys, TILLS, "in the order of their keys");
    for line in &lines {
        let again = handler.retry(&line.first.stream).await.unwrap();
        assert_eq!((again.handled, again.failed), (2, None));
    }
    assert_eq!(basket.of("stands by", "a"), [3, 4]);
    for till in TILLS {
        writer.execute(add(till, &[1])).await.unwrap();
    }
    basket.holds(TILLS.len() * 4).await;
    until(async || handler.status().await.unwrap().lag == 0).await;
    assert_eq!(handler.status().await.unwrap().parked_streams, 0);
    assert_eq!(basket.all().into_iter().collect::<BTreeSet<_>>().len(), TILLS.len() * 4);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_partitions_of_a_handler_never_changes() {
    let (store, basket) = (MemoryStore::new(), Basket::default());
    let collector = Collector::on("one", &basket);
    writer(&store, &["a"]).await.execute(add("a", &[1])).await.unwrap();
    let whole = node(whole::registry(), store.clone(), &collector).await;
    basket.holds(1).await;
    whole.shutdown().await;
    let divided = App::new(divided::registry()).store(store).resource(collector);
    let error = divided.start().await.unwrap_err();
    assert!(
        matches!(
            error,
            StartError::HandlerPartitionsChanged { handler: "collector", stored: 1, declared: 4 }
        ),
        "{error}"
    );
}
