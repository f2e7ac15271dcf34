//! Partitions: several applications on one store share a projector.

use std::{collections::BTreeMap, time::Duration};

use lucent_core::{
    Partition,
    prelude::*,
    store::{LeaseStore as _, ProjectionId, ReadModelStore as _, Store},
};

use super::{
    domain::{TillEvent, add, app, open},
    store_with_faults::{Fault, StoreWithFaults},
};

/// What the versions of this read model have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Sum {
    pub sum: u64,
    pub events: u64,
}

fn fold(view: &mut Sum, event: &TillEvent) {
    view.events += 1;
    if let TillEvent::CoinAdded { value } = event {
        view.sum += value;
    }
}

/// A projector in four partitions, and versions of it.
macro_rules! sums {
    ($module:ident, $version:tt $(, $partitions:tt)?) => {
        mod $module {
            use super::*;

            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
            #[serde(transparent)]
            pub struct Total(Sum);

            #[projector(name = "totals", version = $version $(, partitions = $partitions)?)]
            pub fn totals(view: &mut Total, event: &TillEvent) {
                fold(&mut view.0, event);
            }

            #[derive(Debug, Query)]
            pub struct TotalOf(pub String);

            #[query_handler]
            pub async fn total_of(query: TotalOf, all: &View<Total>) -> Result<Sum, ReadError> {
                Ok(all.get(query.0).await?.unwrap_or_default().0)
            }

            lucent_core::registry! {
                functions: [
                    totals, total_of, super::super::domain::open_till,
                    super::super::domain::add_coins
                ]
            }
        }
    };
}

sums!(first, 1, 4);
sums!(second, 2, 4);
sums!(undivided, 1);
sums!(in_eight, 1, 8);

type Node = App<first::Registry>;
type Writer = App<super::domain::commands_only::Registry>;

/// The leases of these tests last so long; the clock runs ahead while nothing happens.
const LEASE: Duration = Duration::from_secs(10);

async fn node(store: impl Store) -> Node {
    let app = App::new(first::registry()).store(store).lease_duration(LEASE);
    app.start().await.unwrap()
}

const TILLS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// Opens the tills; gives an application that only writes.
async fn open_tills(store: &MemoryStore) -> Writer {
    let writer = app(store.clone()).await;
    for name in TILLS {
        writer.execute(open(name)).await.unwrap();
    }
    writer
}

/// How many partitions each node holds, by the store.
async fn shares(store: &MemoryStore) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for held in store.held_leases("projection/totals/1/").await.unwrap() {
        let share = shares.entry(held.holder.to_string()).or_default();
        *share += usize::from(held.fence.lease.contains("/partition/"));
    }
    shares
}

/// Waits until the partitions are shared like this.
async fn shared_as(store: &MemoryStore, expected: &[usize]) {
    for _ in 0..1_000 {
        let mut found: Vec<usize> = shares(store).await.into_values().collect();
        found.sort_unstable();
        if found == expected {
            return;
        }
        tokio::time::advance(LEASE / 20).await;
        tokio::task::yield_now().await;
    }
    panic!("the partitions are shared as {:?}, not as {expected:?}", shares(store).await);
}

async fn total(app: &Node, name: &str, after: Position) -> Sum {
    let question = app.query(first::TotalOf(name.to_owned()));
    question.after(after).within(LEASE * 10).await.unwrap()
}

#[test]
fn the_tills_of_these_tests_are_in_every_partition() {
    for index in 0..4 {
        let part = Partition::new(index, 4).unwrap();
        assert!(TILLS.iter().any(|name| part.owns(&(*name).into())), "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_node_works_on_every_partition_and_answers_after_a_position() {
    let store = MemoryStore::new();
    let app = node(store.clone()).await;
    open_tills(&store).await;
    for round in 1..=5 {
        for name in TILLS {
            let done = app.execute(add(name, &[3])).await.unwrap();
            let total = total(&app, name, done.position).await;
            assert_eq!(total, Sum { sum: 3 * round, events: round + 1 });
        }
    }
    assert_eq!(shares(&store).await.into_values().collect::<Vec<_>>(), [4]);
}

#[tokio::test(start_paused = true)]
async fn nodes_share_the_partitions_and_share_anew_when_one_joins_or_leaves() {
    let store = MemoryStore::new();
    let one = node(store.clone()).await;
    shared_as(&store, &[4]).await;
    let two = node(store.clone()).await;
    shared_as(&store, &[2, 2]).await;
    let three = node(store.clone()).await;
    shared_as(&store, &[1, 1, 2]).await;
    two.shutdown().await;
    shared_as(&store, &[2, 2]).await;
    drop(three);
    shared_as(&store, &[4]).await;
    one.shutdown().await;
    shared_as(&store, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn every_event_counts_once_while_nodes_come_and_go() {
    let store = MemoryStore::new();
    let writer = open_tills(&store).await;
    let mut nodes = vec![node(store.clone()).await];
    let mut last = Position::ZERO;
    for round in 0..60_u32 {
        for name in TILLS {
            last = writer.execute(add(name, &[1])).await.unwrap().position;
        }
        // A lease's turn passes between two rounds now and then, so that work is handed over.
        tokio::time::advance(LEASE / 10).await;
        match round % 12 {
            3 | 5 => nodes.push(node(store.clone()).await),
            7 => nodes.remove(0).shutdown().await,
            9 => drop(nodes.remove(0)),
            _ => tokio::task::yield_now().await,
        }
    }
    for app in &nodes {
        for name in TILLS {
            assert_eq!(total(app, name, last).await, Sum { sum: 60, events: 61 }, "till {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_partitions_of_a_node_that_dies_go_to_the_others_when_its_leases_are_over() {
    let store = MemoryStore::new();
    let (frozen, faults) = StoreWithFaults::over(store.clone());
    let dead = node(frozen).await;
    open_tills(&store).await;
    shared_as(&store, &[4]).await;
    faults.set(Fault::Frozen);
    let writer = app(store.clone()).await;
    let mut last = Position::ZERO;
    for name in TILLS {
        last = writer.execute(add(name, &[5])).await.unwrap().position;
    }
    let alive = node(store.clone()).await;
    let early = alive.query(first::TotalOf("a".to_owned())).after(last).within(LEASE / 4);
    assert!(matches!(early.await, Err(ReadError::NotYet { .. })), "the leases are not over");
    for name in TILLS {
        assert_eq!(total(&alive, name, last).await, Sum { sum: 5, events: 2 });
    }
    // The dead node wakes up, finds that its leases are lost, and takes its share again.
    faults.set(Fault::None);
    shared_as(&store, &[2, 2]).await;
    for name in TILLS {
        last = writer.execute(add(name, &[5])).await.unwrap().position;
    }
    for app in [&dead, &alive] {
        for name in TILLS {
            assert_eq!(total(app, name, last).await, Sum { sum: 10, events: 3 });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_held_back_until_the_lease_was_lost_is_refused() {
    let store = MemoryStore::new();
    let (slow_store, slow_faults) = StoreWithFaults::over(store.clone());
    let (next_store, next_faults) = StoreWithFaults::over(store.clone());
    let slow = node(slow_store).await;
    let writer = open_tills(&store).await;
    let last = writer.execute(add("a", &[1])).await.unwrap().position;
    assert_eq!(total(&slow, "a", last).await, Sum { sum: 1, events: 2 });
    let before = (progress(&store).await, sum_of_a(&store).await);
    // The slow node works a step out, and falls asleep before the store gets it.
    slow_faults.set(Fault::HeldSteps);
    writer.execute(add("a", &[2])).await.unwrap();
    tokio::time::sleep(LEASE / 100).await;
    slow_faults.set(Fault::Frozen);
    // Another node takes its leases over, and has not stored anything yet.
    next_faults.set(Fault::HeldSteps);
    let next = node(next_store).await;
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(shares(&store).await.into_values().collect::<Vec<_>>(), [4]);
    assert_eq!((progress(&store).await, sum_of_a(&store).await), before);
    // Now the store gets the step, which starts from the right checkpoint.
    slow_faults.set(Fault::FrozenLeases);
    tokio::time::sleep(LEASE).await;
    assert_eq!((progress(&store).await, sum_of_a(&store).await), before);
    next_faults.set(Fault::None);
    slow_faults.set(Fault::None);
    shared_as(&store, &[2, 2]).await;
    let last = writer.execute(add("a", &[4])).await.unwrap().position;
    for app in [&slow, &next] {
        assert_eq!(total(app, "a", last).await, Sum { sum: 7, events: 4 });
    }
}

/// The checkpoint of the partition of till `a`.
async fn progress(store: &MemoryStore) -> Position {
    let owns = |index: &u32| Partition::new(*index, 4).unwrap().owns(&"a".into());
    let index = (0..4).find(owns).unwrap();
    store.checkpoint(&ProjectionId::new(format!("totals#{index}"), 1)).await.unwrap()
}

async fn sum_of_a(store: &MemoryStore) -> Option<bytes::Bytes> {
    store.documents(&ProjectionId::new("totals", 1), &["a".into()]).await.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_node_without_partitions_answers_after_a_position_too() {
    let store = MemoryStore::new();
    let mut nodes = Vec::new();
    for _ in 0..5 {
        nodes.push(node(store.clone()).await);
    }
    shared_as(&store, &[0, 1, 1, 1, 1]).await;
    open_tills(&store).await;
    let done = nodes[0].execute(add("a", &[9])).await.unwrap();
    for app in &nodes {
        assert_eq!(total(app, "a", done.position).await, Sum { sum: 9, events: 2 });
        let status = app.projections().remove(0);
        assert!(status.position >= done.position, "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_version_answers_once_every_partition_has_caught_up() {
    let store = MemoryStore::new();
    let old = node(store.clone()).await;
    open_tills(&store).await;
    let done = old.execute(add("a", &[1])).await.unwrap();
    assert_eq!(total(&old, "a", done.position).await.sum, 1);
    old.shutdown().await;
    // A node that never runs holds one partition of the new version.
    let blocked = "projection/totals/2/partition/3";
    let asked = store.acquire_lease(blocked, "somebody", LEASE * 5).await.unwrap();
    let new = App::new(second::registry()).store(store.clone()).lease_duration(LEASE);
    let new = new.start().await.unwrap();
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(store.active_version("totals").await.unwrap(), Some(1));
    assert_eq!(new.projections()[0].active_version, 1);
    let lucent_core::store::LeaseOutcome::Granted(fence) = asked else { panic!("it was free") };
    store.release_lease(&fence).await.unwrap();
    let question = new.query(second::TotalOf("a".to_owned())).after(done.position).within(LEASE);
    assert_eq!(question.await.unwrap(), Sum { sum: 1, events: 2 });
    assert_eq!(store.active_version("totals").await.unwrap(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn every_node_answers_from_the_version_that_one_has_gone_back_to() {
    let store = MemoryStore::new();
    let old = node(store.clone()).await;
    open_tills(&store).await;
    let done = old.execute(add("a", &[1])).await.unwrap();
    assert_eq!(total(&old, "a", done.position).await.sum, 1);
    old.shutdown().await;
    let start = || App::new(second::registry()).store(store.clone()).lease_duration(LEASE).start();
    let (one, two) = (start().await.unwrap(), start().await.unwrap());
    for app in [&one, &two] {
        let question = app.query(second::TotalOf("a".to_owned())).after(done.position);
        assert_eq!(question.within(LEASE * 2).await.unwrap().sum, 1);
    }
    for version in [1, 2] {
        one.projection("totals").unwrap().activate(version).await.unwrap();
        tokio::time::sleep(LEASE).await;
        assert_eq!(store.active_version("totals").await.unwrap(), Some(version));
        for app in [&one, &two] {
            assert_eq!(app.projections()[0].active_version, version);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_names_each_partition_and_who_works_on_it() {
    let store = MemoryStore::new();
    let (one, two) = (node(store.clone()).await, node(store.clone()).await);
    open_tills(&store).await;
    shared_as(&store, &[2, 2]).await;
    tokio::time::sleep(LEASE).await;
    let (here, there) = (one.projections().remove(0), two.projections().remove(0));
    assert_eq!(here.partitions.len(), 4);
    for (here, there) in here.partitions.iter().zip(&there.partitions) {
        assert_eq!((here.index, here.position), (there.index, there.position));
        assert_eq!(here.position, Position::new(TILLS.len() as u64));
        assert_ne!(here.is_here, there.is_here, "one of them works on it");
    }
}

#[tokio::test(start_paused = true)]
async fn the_number_of_partitions_of_a_version_never_changes() {
    let store = MemoryStore::new();
    node(store.clone()).await.shutdown().await;
    let error = App::new(in_eight::registry()).store(store.clone()).start().await.unwrap_err();
    assert!(
        matches!(error, StartError::PartitionsChanged { stored: 4, declared: 8, .. }),
        "{error}"
    );
    let error = App::new(undivided::registry()).store(store).start().await.unwrap_err();
    assert!(
        matches!(error, StartError::PartitionsChanged { stored: 4, declared: 1, .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_projection_that_was_whole_is_divided_by_a_new_version_only() {
    let store = MemoryStore::new();
    let whole = App::new(undivided::registry()).store(store.clone()).start().await.unwrap();
    open_tills(&store).await;
    let done = whole.execute(add("a", &[1])).await.unwrap();
    let question = whole.query(undivided::TotalOf("a".to_owned())).after(done.position);
    assert_eq!(question.await.unwrap().sum, 1);
    whole.shutdown().await;
    let error = App::new(first::registry()).store(store.clone()).start().await.unwrap_err();
    assert!(
        matches!(error, StartError::PartitionsChanged { stored: 1, declared: 4, .. }),
        "{error}"
    );
    let divided = App::new(second::registry()).store(store).start().await.unwrap();
    let question = divided.query(second::TotalOf("a".to_owned())).after(done.position);
    assert_eq!(question.await.unwrap().sum, 1);
}
