//! Several processes on one file share the partitions of a projector.
//!
//! This binary starts itself again; [`other_process`] is what runs there.

use std::{
    collections::BTreeSet,
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use lucent_core::{prelude::*, store::LeaseStore as _};
use lucent_sqlite::SqliteStore;

use crate::support::Folder;

#[derive(AggregateId)]
pub(crate) struct MeterId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum MeterEvent {
    Ticked { by: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Aggregate)]
#[aggregate(id = MeterId, event = MeterEvent)]
pub(crate) struct Meter {
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
pub(crate) struct Tick {
    #[id]
    meter: MeterId,
    by: u64,
}

/// Replies with the sum.
#[command_handler]
fn tick(meter: &Meter, command: &Tick) -> Decision<MeterEvent, u64> {
    Decision::all([MeterEvent::Ticked { by: command.by }]).reply(meter.sum + command.by)
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub(crate) struct Reading {
    sum: u64,
}

#[projector(name = "readings", version = 1, partitions = 4)]
fn readings(view: &mut Reading, event: &MeterEvent) {
    let MeterEvent::Ticked { by } = event;
    view.sum += by;
}

#[derive(Debug, Query)]
pub(crate) struct ReadingOf(String);

#[query_handler]
async fn reading_of(query: ReadingOf, all: &View<Reading>) -> Result<u64, ReadError> {
    Ok(all.get(query.0).await?.unwrap_or_default().sum)
}

lucent_core::registry! { functions: [tick, readings, reading_of] }

/// How long a dead process holds its partitions, here.
const LEASE: Duration = Duration::from_millis(800);

const PATIENCE: Duration = Duration::from_secs(60);

async fn node(store: SqliteStore) -> App<Registry> {
    App::new(registry()).store(store).lease_duration(LEASE).start().await.unwrap()
}

/// The other process; an ordinary run of the tests has no place for it.
#[tokio::test]
async fn other_process() {
    let Ok(place) = env::var(PLACE) else { return };
    let _node = node(open(&place).await).await;
    std::future::pending::<()>().await;
}

fn start(place: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["partitions::other_process", "--exact", "--nocapture"])
        .env(PLACE, place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Ticks every meter, and gives the last position and what each of them has to show.
async fn tick_all(app: &App<Registry>) -> (Position, u64) {
    let mut last = (Position::ZERO, 0);
    for meter in METERS {
        let meter = MeterId::from(meter.to_owned());
        let done = app.execute(Tick { meter, by: 1 }).await.unwrap();
        last = (done.position, done.reply);
    }
    last
}

/// Ticks until so many processes have partitions.
async fn tick_until_shared(app: &App<Registry>, store: &SqliteStore, among: usize) {
    let shared = async {
        loop {
            tick_all(app).await;
            let held = store.held_leases("projection/readings/1/partition/").await.unwrap();
            let holders: BTreeSet<_> = held.into_iter().map(|held| held.holder).collect();
            if holders.len() == among {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, shared).await.unwrap();
}

const METERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

const PLACE: &str = "LUCENT_SQLITE_TEST_PARTITIONS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_counts_once_while_processes_that_share_are_killed() {
    let folder = Folder::new();
    let place = folder.path().to_str().unwrap().to_owned();
    let store = open(&place).await;
    let app = node(store.clone()).await;
    for _ in 0..2 {
        let mut other = start(&place);
        tick_until_shared(&app, &store, 2).await;
        tick_all(&app).await;
        other.kill().unwrap();
        other.wait().unwrap();
        let (last, sum) = tick_all(&app).await;
        for meter in METERS {
            let question = app.query(ReadingOf(meter.to_owned())).after(last).within(PATIENCE);
            assert_eq!(question.await.unwrap(), sum, "meter {meter}");
        }
        tick_until_shared(&app, &store, 1).await;
    }
    app.shutdown().await;
    assert_eq!(store.held_leases("").await.unwrap(), [], "they were given back");
    store.close().await;
}

async fn open(place: &str) -> SqliteStore {
    SqliteStore::open(place).await.unwrap()
}
