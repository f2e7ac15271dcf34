//! Applications that share a store: an aggregate, and the partitions of a projector.

use std::{collections::BTreeSet, time::Duration};

use lucent_core::prelude::*;

use crate::conformance::{
    mortal::{Death, Mortal},
    vocabulary::{Handle, PATIENCE, Subject, instances, patiently, race},
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

lucent_core::registry! { functions: [tick, readings, reading_of] }

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

async fn tick_one(app: &App<Registry>, meter: &str) -> Done<u64> {
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

/// Ticks until so many nodes have partitions.
async fn tick_until_shared(app: &App<Registry>, store: &Handle, among: usize) {
    let shared = async {
        loop {
            tick_all(app).await;
            let held = store.held_leases("projection/readings/1/partition/").await;
            let held = held.expect("leases are readable").into_iter();
            if held.map(|held| held.holder).collect::<BTreeSet<_>>().len() == among {
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
    let held = store.held_leases("").await.expect("leases are readable");
    assert_eq!(held, [], "leases are given back at the end");
}
