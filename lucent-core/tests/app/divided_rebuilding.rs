//! Rebuilding a projection in partitions, whichever node builds it.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use lucent_core::{
    ProjectionControlError, ProjectionState,
    prelude::*,
    store::{
        LeaseStore as _, ParkedKey, ProjectionCommit, ProjectionId, ReadModelStore as _, Store,
    },
};

use super::{
    notes::{NoteEvent, about, heal, note},
    store_with_faults::{Fault, StoreWithFaults},
};

/// The tests in which the projector writes in capitals, or refuses notes that begin with `x`.
static LOUD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static STRICT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn is(tests: &Mutex<BTreeSet<String>>, shelf: &str) -> bool {
    shelf.split_once('/').is_some_and(|(test, _)| tests.lock().unwrap().contains(test))
}

fn set(tests: &Mutex<BTreeSet<String>>, test: &str) {
    tests.lock().unwrap().insert(test.to_owned());
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Shelf {
    pub texts: Vec<String>,
}

#[projector(name = "stacks", version = 1, partitions = 4, key = about)]
pub fn stacks(view: &mut Shelf, event: &NoteEvent) -> Result<(), String> {
    let NoteEvent::NoteTaken { text, about } = event;
    if text.starts_with('x') && is(&STRICT, &about[0]) {
        return Err(format!("`{text}` is not liked"));
    }
    view.texts.push(if is(&LOUD, &about[0]) { text.to_uppercase() } else { text.clone() });
    Ok(())
}

#[derive(Debug, Query)]
pub struct ShelfOf(pub String);

#[query_handler]
pub async fn shelf_of(query: ShelfOf, all: &View<Shelf>) -> Result<Vec<String>, ReadError> {
    Ok(all.get(query.0).await?.unwrap_or_default().texts)
}

lucent_core::registry! { functions: [stacks, shelf_of] }

const LEASE: Duration = Duration::from_secs(10);

type Node = App<Registry>;

async fn node(store: impl Store) -> Node {
    let parking = ParkingPolicy { tries: 1, ..ParkingPolicy::default() };
    let app = App::new(registry()).store(store).parking(parking).lease_duration(LEASE);
    app.start().await.unwrap()
}

/// The shelves of a test; there is one in each partition.
fn shelves(test: &str) -> Vec<String> {
    ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("{test}/{name}")).into()
}

/// Takes a note about every shelf of a test.
async fn write(store: &MemoryStore, test: &str, text: &str) -> Position {
    let shelves = shelves(test);
    let about: Vec<&str> = shelves.iter().map(String::as_str).collect();
    note(store, test, text, &about).await
}

async fn read(app: &Node, shelf: &str, after: Position) -> Vec<String> {
    let question = app.query(ShelfOf(shelf.to_owned()));
    question.after(after).within(LEASE * 10).await.unwrap()
}

/// Checks what stands on every shelf, as every node answers after a position.
async fn all_read(nodes: &[&Node], test: &str, after: Position, expected: &[&str]) {
    for app in nodes {
        for shelf in shelves(test) {
            assert_eq!(read(app, &shelf, after).await, expected, "{shelf}");
        }
    }
}

fn rebuilding(app: &Node) -> Option<lucent_core::ProjectionStatus> {
    app.projection("stacks").unwrap().rebuilding()
}

/// Waits until nodes know of no rebuild.
async fn rebuilt(nodes: &[&Node]) {
    for _ in 0..1_000 {
        if nodes.iter().all(|app| rebuilding(app).is_none()) {
            return;
        }
        tokio::time::sleep(LEASE / 100).await;
    }
    panic!("the rebuild does not end: {:?}", rebuilding(nodes[0]));
}

async fn until_held(app: &Node) {
    while rebuilding(app).is_none_or(|status| status.state != ProjectionState::Held) {
        tokio::time::sleep(LEASE / 100).await;
    }
}

/// Checks that nothing is left of a rebuild, and that nobody brings anything back.
async fn nothing_is_left(store: &MemoryStore) {
    tokio::time::sleep(LEASE * 3).await;
    let parts = (0..4).map(|index| format!("rebuild:stacks#{index}"));
    let whole = ["rebuild:stacks".to_owned(), "rebuild:stacks#forced".to_owned()];
    for name in parts.chain(whole) {
        assert_eq!(store.stored_versions(&name).await.unwrap(), [], "{name}");
    }
    assert_eq!(store.held_leases("projection/rebuild:").await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_replaces_what_wrong_code_has_made_in_every_partition() {
    let store = MemoryStore::new();
    let app = node(store.clone()).await;
    let last = write(&store, "d1", "one").await;
    all_read(&[&app], "d1", last, &["one"]).await;
    set(&LOUD, "d1");
    let projection = app.projection("stacks").unwrap();
    projection.rebuild().await.unwrap();
    projection.rebuild().await.unwrap();
    assert!(projection.rebuilding().is_some());
    rebuilt(&[&app]).await;
    all_read(&[&app], "d1", last, &["ONE"]).await;
    let last = write(&store, "d1", "two").await;
    all_read(&[&app], "d1", last, &["ONE", "TWO"]).await;
    nothing_is_left(&store).await;
    let versions = projection.versions().await.unwrap();
    assert_eq!(versions.iter().map(|stored| stored.checkpoint).collect::<Vec<_>>(), [last]);
    // It can be rebuilt again.
    projection.rebuild().await.unwrap();
    rebuilt(&[&app]).await;
    all_read(&[&app], "d1", last, &["ONE", "TWO"]).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_answer_after_a_position_all_the_time_while_one_of_them_rebuilds() {
    let store = MemoryStore::new();
    let (one, two) = (node(store.clone()).await, node(store.clone()).await);
    tokio::time::sleep(LEASE).await;
    let mut written = Vec::new();
    let mut rounds_beside = 0;
    for round in 0..120 {
        if round == 20 {
            two.projection("stacks").unwrap().rebuild().await.unwrap();
        }
        rounds_beside += usize::from(rebuilding(&two).is_some());
        let text = format!("n{round}");
        let last = write(&store, "d2", &text).await;
        written.push(text);
        for (app, shelf) in [&one, &two].into_iter().zip(shelves("d2")) {
            assert_eq!(read(app, &shelf, last).await, written, "round {round}");
        }
        tokio::time::sleep(LEASE / 1_000).await;
    }
    assert!(rounds_beside > 0, "the rebuild was over at once");
    rebuilt(&[&one, &two]).await;
    let expected: Vec<&str> = written.iter().map(String::as_str).collect();
    all_read(&[&one, &two], "d2", Position::new(120), &expected).await;
    nothing_is_left(&store).await;
}

#[tokio::test(start_paused = true)]
async fn another_node_goes_on_with_a_rebuild_when_the_one_that_builds_stalls() {
    let store = MemoryStore::new();
    let (stalling, faults) = StoreWithFaults::over(store.clone());
    let stalled = node(stalling).await;
    let last = write(&store, "d3", "one").await;
    all_read(&[&stalled], "d3", last, &["one"]).await;
    set(&LOUD, "d3");
    faults.set(Fault::HeldRebuilds);
    stalled.projection("stacks").unwrap().rebuild().await.unwrap();
    tokio::time::sleep(LEASE / 10).await;
    faults.set(Fault::Frozen);
    let last = write(&store, "d3", "two").await;
    let other = node(store.clone()).await;
    while rebuilding(&other).is_none() {
        tokio::time::sleep(LEASE / 100).await;
    }
    rebuilt(&[&other]).await;
    all_read(&[&other], "d3", last, &["ONE", "TWO"]).await;
    // What the stalled one has still to say comes too late.
    faults.set(Fault::None);
    rebuilt(&[&stalled]).await;
    all_read(&[&stalled, &other], "d3", last, &["ONE", "TWO"]).await;
    nothing_is_left(&store).await;
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_in_partitions_goes_on_after_a_restart() {
    let store = MemoryStore::new();
    let app = node(store.clone()).await;
    let last = write(&store, "d4", "one").await;
    all_read(&[&app], "d4", last, &["one"]).await;
    app.shutdown().await;
    set(&LOUD, "d4");
    // Whatever was asked to rebuild leaves this in the store, whenever it ends.
    let shadow = ProjectionId::new("rebuild:stacks", 1);
    let begun = ProjectionCommit::new(shadow, Position::ZERO, Position::ZERO);
    store.commit_projection(begun).await.unwrap();
    let app = node(store.clone()).await;
    tokio::time::sleep(LEASE).await;
    rebuilt(&[&app]).await;
    all_read(&[&app], "d4", last, &["ONE"]).await;
    nothing_is_left(&store).await;
}

#[tokio::test(start_paused = true)]
async fn any_node_cancels_a_rebuild_and_nobody_goes_on_with_it() {
    let store = MemoryStore::new();
    let (held, faults) = StoreWithFaults::over(store.clone());
    let builder = node(held).await;
    let other = node(store.clone()).await;
    let last = write(&store, "d5", "one").await;
    all_read(&[&builder, &other], "d5", last, &["one"]).await;
    set(&LOUD, "d5");
    faults.set(Fault::HeldRebuilds);
    builder.projection("stacks").unwrap().rebuild().await.unwrap();
    tokio::time::sleep(LEASE).await;
    assert!(rebuilding(&other).is_some(), "every node knows of it");
    other.projection("stacks").unwrap().cancel().await.unwrap();
    assert!(rebuilding(&other).is_none());
    // A step of who builds was held back until now.
    faults.set(Fault::None);
    rebuilt(&[&builder]).await;
    all_read(&[&builder, &other], "d5", last, &["one"]).await;
    nothing_is_left(&store).await;
    let nothing = other.projection("stacks").unwrap().cancel().await.unwrap_err();
    assert!(matches!(nothing, ProjectionControlError::InUse { .. }), "{nothing}");
    // What was cancelled can be begun again.
    other.projection("stacks").unwrap().rebuild().await.unwrap();
    rebuilt(&[&builder, &other]).await;
    all_read(&[&builder, &other], "d5", last, &["ONE"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_in_partitions_that_parks_more_is_held_until_any_node_decides() {
    let store = MemoryStore::new();
    let (one, two) = (node(store.clone()).await, node(store.clone()).await);
    write(&store, "d6", "xone").await;
    let illegible = write(&store, "d6", "illegible-d6").await;
    let last = note(&store, "other", "two", &["d6/a"]).await;
    for app in [&one, &two] {
        app.projection("stacks").unwrap().wait_for(last, LEASE).await.unwrap();
    }
    set(&STRICT, "d6");
    one.projection("stacks").unwrap().rebuild().await.unwrap();
    for app in [&one, &two] {
        until_held(app).await;
        assert_eq!(read_now(app, "d6/a").await, ["xone", "two"]);
    }
    two.projection("stacks").unwrap().cancel().await.unwrap();
    rebuilt(&[&one, &two]).await;
    one.projection("stacks").unwrap().rebuild().await.unwrap();
    until_held(&one).await;
    two.projection("stacks").unwrap().activate(1).await.unwrap();
    rebuilt(&[&one, &two]).await;
    nothing_is_left(&store).await;
    // Each partition has what it would have parked itself.
    let stream = StreamId::new("d6").unwrap();
    for index in 0..4 {
        let part = lucent_core::Partition::new(index, 4).unwrap();
        let lines = store.parked(&ProjectionId::new(format!("stacks#{index}"), 1)).await.unwrap();
        for line in &lines.lines {
            match &line.first.key {
                ParkedKey::Document(key) => assert!(part.owns(key), "{part} has parked {key}"),
                ParkedKey::Stream(key) => {
                    assert_eq!((key, line.first.position), (&stream, illegible));
                }
            }
        }
        assert!(lines.lines.iter().any(|line| matches!(line.first.key, ParkedKey::Stream(_))));
    }
    let stacks = two.projection("stacks").unwrap();
    assert_eq!(stacks.parked().await.unwrap().len(), shelves("d6").len() + 1);
    heal("illegible-d6");
    STRICT.lock().unwrap().remove("d6");
    let retried = stacks.retry_all().await.unwrap();
    assert!(retried.failures.is_empty(), "{retried:?}");
    assert!(stacks.parked().await.unwrap().is_empty());
    let last = write(&store, "d6", "three").await;
    assert_eq!(read(&one, "d6/b", last).await, ["xone", "illegible-d6", "three"]);
}

async fn read_now(app: &Node, shelf: &str) -> Vec<String> {
    app.query(ShelfOf(shelf.to_owned())).await.unwrap()
}
