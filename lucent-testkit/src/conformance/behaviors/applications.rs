//! Applications that share a store: an aggregate, the partitions of a projector, and an event
//! handler.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use lucent_core::{
    Handled,
    prelude::*,
    registry::{Includes, Registry as Registered},
};
use tokio::sync::mpsc;

use crate::conformance::{
    mortal::{Death, Mortal},
    vocabulary::{
        Document, DocumentChange, Handle, PATIENCE, ProjectionCommit, ProjectionId, Subject,
        instances, patiently, race,
    },
};

#[derive(AggregateId)]
struct MeterId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum MeterEvent {
    Ticked { by: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Aggregate)]
#[aggregate(id = MeterId, event = MeterEvent)]
struct Meter {
    sum: u64,
}

impl Evolve for Meter {
    fn evolve(&mut self, event: &MeterEvent) {
        let MeterEvent::Ticked { by } = event;
        self.sum += by;
    }
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Meter)]
struct Tick {
    #[id]
    meter: MeterId,
}

/// Replies with the sum.
#[command_handler]
fn tick(meter: &Meter, _: &Tick) -> Decision<MeterEvent, u64> {
    Decision::emit(MeterEvent::Ticked { by: 1 }).reply(meter.sum + 1)
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
struct Reading {
    sum: u64,
}

#[projector(name = "readings", version = 1, partitions = 4)]
fn readings(view: &mut Reading, event: &MeterEvent) {
    let MeterEvent::Ticked { by } = event;
    view.sum += by;
}

#[derive(Debug, Query)]
struct ReadingOf(String);

#[query_handler]
async fn reading_of(query: ReadingOf, all: &View<Reading>) -> Result<u64, ReadError> {
    Ok(all.get(query.0).await?.unwrap_or_default().sum)
}

/// Where the event handlers of all nodes write down what they have handled.
type Clerk = mpsc::UnboundedSender<(String, u64)>;

#[event_handler(name = "clerk", partitions = 2)]
async fn write_down(_: &MeterEvent, at: &RecordedEvent, clerk: &Resource<Clerk>) {
    // A test that is over does not listen any more.
    drop(clerk.send((at.stream.key().to_owned(), at.version.get())));
}

lucent_core::registry! { functions: [tick, readings, reading_of] }

mod handled {
    lucent_core::registry! { functions: [super::tick, super::write_down] }
}

/// How long a dead node holds its partitions, here.
const LEASE: Duration = Duration::from_millis(800);

/// In every partition there is one of them.
const METERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

async fn node(store: impl Into<Mortal>) -> App<Registry> {
    let retry = RetryPolicy { retries: 200, ..RetryPolicy::default() };
    let app = App::new(registry()).store(store.into()).retry(retry).lease_duration(LEASE);
    app.start().await.expect("an application starts")
}

/// A node that can be killed.
async fn mortal_node(store: Handle) -> (App<Registry>, Death) {
    let (store, death) = Mortal::over(store);
    (node(store).await, death)
}

async fn tick_one<R>(app: &App<R>, meter: &str) -> Done<u64>
where
    R: Registered + Includes<<Tick as Handled>::Home>,
{
    let meter = MeterId::from(meter.to_owned());
    app.execute(Tick { meter }).await.expect("a meter ticks")
}

/// Ticks every meter; gives the last position, and what each of them has to show.
async fn tick_all(app: &App<Registry>) -> (Position, u64) {
    let mut last = (Position::ZERO, 0);
    for meter in METERS {
        let done = tick_one(app, meter).await;
        last = (done.position, done.reply);
    }
    last
}

/// How many nodes hold leases whose names start so.
async fn holders(store: &Handle, prefix: &str) -> usize {
    let held = store.held_leases(prefix).await.expect("leases are readable");
    held.into_iter().map(|held| held.holder).collect::<BTreeSet<_>>().len()
}

/// Ticks until so many nodes have partitions.
async fn tick_until_shared(app: &App<Registry>, store: &Handle, among: usize) {
    let shared = async {
        loop {
            tick_all(app).await;
            if holders(store, "projection/readings/1/partition/").await == among {
                return;
            }
            tokio::time::sleep(LEASE / 20).await;
        }
    };
    patiently("sharing partitions", shared).await;
}

/// Callers of several applications on one aggregate lose no update and double none.
pub async fn callers_on_one_aggregate_lose_and_double_nothing(subject: Subject) {
    let mut apps = Vec::new();
    for store in instances(&subject, 2).await {
        apps.push(node(store).await);
    }
    let replies = race((0..16).map(|caller| {
        let app = apps[caller % apps.len()].clone();
        async move {
            let mut replies = Vec::new();
            for _ in 0..10 {
                replies.push(tick_one(&app, "hot").await.reply);
            }
            assert!(replies.is_sorted(), "a caller sees what it did before: {replies:?}");
            replies
        }
    }));
    let mut replies = replies.await.concat();
    replies.sort_unstable();
    assert_eq!(replies, (1..=160).collect::<Vec<_>>());
    assert_eq!(subject.store().version_of("meter-hot").await, 160);
}

/// Every event counts once, while nodes that share the partitions of a projector are killed.
pub async fn every_event_counts_once_while_nodes_are_killed(subject: Subject) {
    let store = subject.store();
    let app = node(store.clone()).await;
    for other in instances(&subject, 2).await {
        let (killed, death) = mortal_node(other).await;
        tick_until_shared(&app, &store, 2).await;
        tick_all(&app).await;
        death.come();
        let (last, sum) = tick_all(&app).await;
        for meter in METERS {
            let question = app.query(ReadingOf(meter.to_owned())).after(last).within(PATIENCE);
            assert_eq!(question.await.expect("others take over"), sum, "meter {meter}");
        }
        tick_until_shared(&app, &store, 1).await;
        drop(killed);
    }
    app.shutdown().await;
    assert_eq!(holders(&store, "").await, 0, "leases are given back at the end");
}

/// Checks what every meter shows after another tick.
async fn assert_all_counted(app: &App<Registry>) {
    let (last, sum) = tick_all(app).await;
    for meter in METERS {
        let question = app.query(ReadingOf(meter.to_owned())).after(last).within(PATIENCE);
        assert_eq!(question.await.expect("it is seen"), sum, "meter {meter}");
    }
}

/// Partitions are rebuilt beside those that answer, and put into their places at once, although the
/// node that builds is killed.
pub async fn partitions_are_rebuilt_while_the_node_that_builds_is_killed(subject: Subject) {
    let store = subject.store();
    let app = node(store.clone()).await;
    let whole = ProjectionId::new("readings", 1);
    for other in instances(&subject, 2).await {
        let (killed, death) = mortal_node(other).await;
        tick_until_shared(&app, &store, 2).await;
        // No event has made this document.
        let wrong = Document { key: "wrong".into(), body: b"{\"sum\":1}".as_slice().into() };
        let at = store.checkpoint(&whole).await.expect("a checkpoint is readable");
        let parked = store.parked(&whole).await.expect("what is parked is readable");
        let mut step = ProjectionCommit::new(whole.clone(), at, at);
        step.changes.push(DocumentChange::Put(wrong));
        step.revision = parked.revision;
        store.commit_projection(step).await.expect("the step starts from what is stored");
        let readings = killed.projection("readings").expect("it runs");
        readings.rebuild().await.expect("it is begun");
        assert_all_counted(&app).await;
        death.come();
        let mut left = true;
        while left {
            assert_all_counted(&app).await;
            let wrong = store.documents(&whole, &["wrong".into()]).await;
            left = wrong.expect("documents are readable")[0].is_some();
        }
        assert_all_counted(&app).await;
        for name in ["rebuild:readings", "rebuild:readings#0", "rebuild:readings#3"] {
            let left = store.stored_versions(name).await.expect("versions are readable");
            assert!(left.is_empty(), "{name} is left behind");
        }
        tick_until_shared(&app, &store, 1).await;
        drop(killed);
    }
    app.shutdown().await;
    assert_eq!(holders(&store, "").await, 0, "leases are given back at the end");
}

/// What the handlers of several nodes have handled.
struct Book {
    clerk: Clerk,
    lines: mpsc::UnboundedReceiver<(String, u64)>,
    /// How often each event was handled.
    handled: BTreeMap<(String, u64), usize>,
}

impl Book {
    fn new() -> Self {
        let (clerk, lines) = mpsc::unbounded_channel();
        Self { clerk, lines, handled: BTreeMap::new() }
    }

    /// A node whose handler writes into this book.
    async fn node(&self, store: impl Into<Mortal>) -> App<handled::Registry> {
        let app = App::new(handled::registry()).store(store.into()).lease_duration(LEASE);
        app.resource(self.clerk.clone()).start().await.expect("an application starts")
    }

    /// Ticks every meter; returns once all of it is handled.
    async fn tick_all(&mut self, app: &App<handled::Registry>) {
        for meter in METERS {
            let done = tick_one(app, meter).await;
            let line = (meter.to_owned(), done.version.get());
            while !self.handled.contains_key(&line) {
                let line = patiently("handling an event", self.lines.recv()).await;
                *self.handled.entry(line.expect("the book is open")).or_default() += 1;
            }
        }
    }
}

/// Waits until the parts of the event handler are shared by so many nodes.
async fn until_handled_by(store: &Handle, nodes: usize) {
    let shared = async {
        while holders(store, "handler/clerk/partition/").await != nodes {
            tokio::time::sleep(LEASE / 20).await;
        }
    };
    patiently("sharing an event handler", shared).await;
}

/// Each event is handled once by one of the nodes that share a handler, also when one leaves.
pub async fn nodes_that_share_a_handler_handle_each_event_once(subject: Subject) {
    let (store, mut book) = (subject.store(), Book::new());
    let one = book.node(store.clone()).await;
    for other in instances(&subject, 2).await {
        let other = book.node(other).await;
        until_handled_by(&store, 2).await;
        for _ in 0..3 {
            book.tick_all(&one).await;
        }
        other.shutdown().await;
        until_handled_by(&store, 1).await;
    }
    let twice: Vec<_> = book.handled.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "handled more than once: {twice:?}");
    let late = book.lines.try_recv();
    assert!(late.is_err(), "handled again: {late:?}");
}

/// Every event is handled, while nodes that share a handler are killed.
pub async fn events_of_a_killed_node_are_handled_by_others(subject: Subject) {
    let (store, mut book) = (subject.store(), Book::new());
    let one = book.node(store.clone()).await;
    for other in instances(&subject, 2).await {
        let (other, death) = Mortal::over(other);
        let killed = book.node(other).await;
        until_handled_by(&store, 2).await;
        book.tick_all(&one).await;
        death.come();
        book.tick_all(&one).await;
        until_handled_by(&store, 1).await;
        drop(killed);
    }
    one.shutdown().await;
    assert_eq!(holders(&store, "").await, 0, "leases are given back at the end");
}
