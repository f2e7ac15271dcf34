//! Real nodes in one process: order, hand-over, cuts, deaths, urgency.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use lucent_core::{
    ManualClock, Timestamp,
    mesh::{
        BeatPolicy, Capacity, Gauge, InProcessMesh, MeshError, MeshNode, Needs, NodeId, Pressure,
        Request, Serve, Shard, TransportError, Urgency,
    },
};
use tokio::sync::Semaphore;

const CAPACITY: Capacity = Capacity { weight: 1, slots: 2, memory: 1 << 30 };

/// Notes what runs where; a call runs on when the gate lets it through.
struct Recorder {
    node: &'static str,
    log: Arc<Mutex<Vec<(&'static str, String)>>>,
    gate: Arc<Semaphore>,
    /// How many calls have begun.
    begun: Arc<Semaphore>,
}

#[async_trait]
impl Serve for Recorder {
    fn functions(&self) -> BTreeSet<Arc<str>> {
        BTreeSet::from(["fee v1".into()])
    }

    async fn serve(&self, request: &Request) -> Result<Bytes, String> {
        self.begun.add_permits(1);
        self.gate.acquire().await.map_err(|error| error.to_string())?.forget();
        let text = String::from_utf8_lossy(&request.payload).into_owned();
        if text == "bad" {
            return Err("it does not like the input".to_owned());
        }
        self.log.lock().unwrap().push((self.node, text));
        Ok(Bytes::from_static(self.node.as_bytes()))
    }
}

struct Bench {
    mesh: InProcessMesh,
    clock: ManualClock,
    nodes: Vec<MeshNode>,
    log: Arc<Mutex<Vec<(&'static str, String)>>>,
    gate: Arc<Semaphore>,
    begun: Arc<Semaphore>,
}

impl Bench {
    /// Nodes that have settled; calls run on without waiting.
    async fn of(names: &[&'static str]) -> Self {
        let clock = ManualClock::at(Timestamp::from_micros(1_000_000));
        let mesh = InProcessMesh::new(BeatPolicy::default(), Arc::new(clock.clone()));
        let gate = Arc::new(Semaphore::new(1_000));
        let mut bench = Self {
            mesh,
            clock,
            nodes: Vec::new(),
            log: Arc::default(),
            gate,
            begun: Arc::new(Semaphore::new(0)),
        };
        for name in names {
            bench.join(name);
        }
        bench.mesh.beat().await;
        bench.mesh.settle().await;
        bench
    }

    fn join(&mut self, name: &'static str) {
        let recorder = Recorder {
            node: name,
            log: Arc::clone(&self.log),
            gate: Arc::clone(&self.gate),
            begun: Arc::clone(&self.begun),
        };
        self.nodes.push(self.mesh.join(name, CAPACITY, Arc::new(recorder)));
    }

    /// Holds calls back from now on.
    fn close_the_gate(&self) {
        self.gate.forget_permits(self.gate.available_permits());
    }

    async fn begun(&self, calls: u32) {
        self.begun.acquire_many(calls).await.unwrap().forget();
    }

    fn owner(&self, key: &str) -> MeshNode {
        let ownership = self.mesh.ownership();
        let owner = ownership.owner(Shard::of(key)).unwrap();
        self.nodes.iter().find(|node| node.id() == owner).unwrap().clone()
    }
}

fn request(key: Option<&str>, payload: &str) -> Request {
    Request {
        function: "fee v1".into(),
        key: key.map(Into::into),
        urgency: Urgency::Normal,
        needs: Needs::default(),
        patience: Duration::from_secs(600),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }
}

#[tokio::test]
async fn a_call_with_a_key_runs_on_its_owner_wherever_it_comes_from() {
    let bench = Bench::of(&["a", "b", "c"]).await;
    let owner = bench.owner("BTC-USD");
    for node in &bench.nodes {
        let reply = node.call(request(Some("BTC-USD"), "1")).await.unwrap();
        assert_eq!(reply, owner.id().as_str());
    }
}

#[tokio::test]
async fn calls_of_a_key_keep_their_order_while_their_shard_changes_hands() {
    let mut bench = Bench::of(&["a"]).await;
    let first = bench.nodes[0].clone();
    // A key whose shard the second node will own.
    bench.join("b");
    bench.mesh.beat().await;
    let weights = [("a".into(), 1), ("b".into(), 1)].into_iter().collect();
    let next = lucent_core::mesh::Ownership::of(9, &weights, &std::collections::BTreeMap::new());
    let b = NodeId::from("b");
    let key = (0..).map(|n| format!("key-{n}"));
    let key = key.into_iter().find(|key| next.owner(Shard::of(key)) == Some(&b)).unwrap();

    bench.close_the_gate();
    let call = |payload: &'static str| {
        let (node, key) = (first.clone(), key.clone());
        tokio::spawn(async move { node.call(request(Some(&key), payload)).await })
    };
    let one = call("1");
    bench.begun(1).await;
    // It runs on `a`; the hand-over waits for it, and the next call waits for the hand-over.
    let mesh = bench.mesh.clone();
    let settling = tokio::spawn(async move { mesh.settle().await });
    tokio::task::yield_now().await;
    assert!(!settling.is_finished());
    let two = call("2");
    tokio::task::yield_now().await;
    bench.gate.add_permits(10);
    assert_eq!(one.await.unwrap().unwrap(), "a");
    settling.await.unwrap();
    assert_eq!(two.await.unwrap().unwrap(), "b");
    let expected = [("a", "1".to_owned()), ("b", "2".to_owned())];
    assert_eq!(*bench.log.lock().unwrap(), expected);
}

#[tokio::test]
async fn calls_of_one_key_run_one_after_another() {
    let bench = Bench::of(&["a"]).await;
    bench.close_the_gate();
    let calls: Vec<_> = (0..5)
        .map(|number| {
            let node = bench.nodes[0].clone();
            let request = request(Some("BTC-USD"), &number.to_string());
            tokio::spawn(async move { node.call(request).await })
        })
        .collect();
    bench.begun(1).await;
    tokio::task::yield_now().await;
    assert_eq!(bench.begun.available_permits(), 0);
    bench.gate.add_permits(10);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let order: Vec<_> = bench.log.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(order, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_node_that_is_cut_off_runs_no_keyed_call_by_the_time_others_take_its_shards() {
    let bench = Bench::of(&["a", "b", "c"]).await;
    let owner = bench.owner("BTC-USD");
    bench.mesh.cut(owner.id());
    // Nine beats are missed: nobody has given it up, and it still runs its own.
    for _ in 0..9 {
        bench.clock.advance(Duration::from_millis(500));
        bench.mesh.beat().await;
    }
    owner.receive(request(Some("BTC-USD"), "still mine")).await.unwrap();
    bench.clock.advance(Duration::from_millis(500));
    bench.mesh.beat().await;
    let refused = owner.receive(request(Some("BTC-USD"), "no more")).await.unwrap_err();
    assert!(matches!(refused, TransportError::NotOwner(_)), "{refused}");
    bench.mesh.settle().await;
    assert_ne!(bench.owner("BTC-USD").id(), owner.id());
    let other = bench.nodes.iter().find(|node| node.id() != owner.id()).unwrap();
    let reply = other.call(request(Some("BTC-USD"), "theirs")).await.unwrap();
    assert_eq!(reply, bench.owner("BTC-USD").id().as_str());
    // It comes back, and gets its shards again.
    bench.mesh.mend(owner.id());
    bench.mesh.beat().await;
    bench.mesh.settle().await;
    assert_eq!(bench.owner("BTC-USD").id(), owner.id());
    let reply = owner.call(request(Some("BTC-USD"), "mine again")).await.unwrap();
    assert_eq!(reply, owner.id().as_str());
}

#[tokio::test]
async fn a_call_without_a_key_is_tried_elsewhere_if_its_node_is_dead() {
    let mut bench = Bench::of(&["a", "b", "c"]).await;
    bench.mesh.cut(&"b".into());
    // Dead, and nobody knows it yet.
    bench.nodes.retain(|node| node.id().as_str() != "c");
    for number in 0..50 {
        let reply = bench.nodes[0].call(request(None, &number.to_string())).await.unwrap();
        assert_eq!(reply, "a");
    }
}

#[tokio::test]
async fn a_draining_node_finishes_what_it_has_and_gets_no_shards() {
    let bench = Bench::of(&["a", "b"]).await;
    bench.nodes[0].drain();
    bench.mesh.beat().await;
    bench.mesh.settle().await;
    for number in 0..20 {
        let key = format!("key-{number}");
        assert_eq!(bench.nodes[0].call(request(Some(&key), "x")).await.unwrap(), "b");
        assert_eq!(bench.nodes[0].call(request(None, "x")).await.unwrap(), "b");
    }
}

#[tokio::test]
async fn a_failure_of_the_function_is_not_tried_elsewhere() {
    let bench = Bench::of(&["a", "b"]).await;
    let error = bench.nodes[0].call(request(None, "bad")).await.unwrap_err();
    assert!(matches!(error, MeshError::Node(TransportError::Failed { .. })), "{error}");
}

#[tokio::test]
async fn an_urgent_call_takes_the_seat_of_one_that_is_not() {
    let bench = Bench::of(&["a"]).await;
    bench.close_the_gate();
    // Two places and 32 seats.
    let low = |urgency: Urgency| {
        let node = bench.nodes[0].clone();
        let request = Request { urgency, ..request(None, "low") };
        tokio::spawn(async move { node.call(request).await })
    };
    let calls: Vec<_> = (0..34).map(|_| low(Urgency::Low)).collect();
    bench.begun(2).await;
    tokio::task::yield_now().await;
    let error = low(Urgency::Low).await.unwrap().unwrap_err();
    assert!(matches!(error, MeshError::Node(TransportError::Busy { .. })), "{error}");
    let urgent = low(Urgency::Critical);
    tokio::task::yield_now().await;
    bench.gate.add_permits(100);
    urgent.await.unwrap().unwrap();
    let mut turned_away = 0;
    for call in calls {
        turned_away += usize::from(call.await.unwrap().is_err());
    }
    assert_eq!(turned_away, 1);
}

/// A machine on which work waits for memory nine tenths of the time.
#[derive(Debug)]
struct Swapping;

impl Gauge for Swapping {
    fn read(&self) -> Option<Pressure> {
        Some(Pressure { cpu: 0.0, memory: 0.9 })
    }
}

/// A machine that does not measure.
#[derive(Debug)]
struct Blind;

impl Gauge for Blind {
    fn read(&self) -> Option<Pressure> {
        None
    }
}

#[tokio::test]
async fn calls_without_a_key_leave_a_machine_that_waits_for_memory() {
    let bench = Bench::of(&["a", "b", "c"]).await;
    let swapping = bench.nodes[1].clone().with_gauge(Swapping);
    let blind = bench.nodes[2].clone().with_gauge(Blind);
    bench.mesh.beat().await;
    for (node, stays) in [(swapping, false), (blind, true)] {
        for call in 0..100 {
            let reply = node.call(request(None, &call.to_string())).await.unwrap();
            assert_eq!(reply == node.id().as_str(), stays, "{node:?} {reply:?}");
        }
    }
}
