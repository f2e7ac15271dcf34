//! What an operator can do to a projection in partitions.

use std::time::Duration;

use lucent_core::{
    ProjectionControlError, StuckCause,
    prelude::*,
    store::{ParkedKey, ProjectionId, ReadModelStore as _, Store},
};

use super::notes::{NoteEvent, about, heal, note, take_down};

/// Versions of a projector in partitions.
macro_rules! shelf {
    ($module:ident, $version:tt, $partitions:tt) => {
        mod $module {
            use super::*;

            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
            pub struct Shelf {
                pub texts: Vec<String>,
            }

            #[projector(name = "shelves", version = $version, partitions = $partitions, key = about)]
            pub fn shelves(view: &mut Shelf, event: &NoteEvent) -> Result<(), String> {
                take_down(&mut view.texts, event)
            }

            #[derive(Debug, Query)]
            pub struct ShelfOf(pub String);

            #[query_handler]
            pub async fn shelf_of(query: ShelfOf, all: &View<Shelf>) -> Result<String, ReadError> {
                Ok(all.get(query.0).await?.unwrap_or_default().texts.join(" "))
            }

            pub async fn start(store: impl Store) -> App<Registry> {
                let parking = ParkingPolicy { tries: 1, ..ParkingPolicy::default() };
                let app = App::new(registry()).store(store).parking(parking);
                app.lease_duration(LEASE).start().await.unwrap()
            }

            lucent_core::registry! { functions: [shelves, shelf_of] }
        }
    };
}

shelf!(first, 1, 4);
shelf!(second, 2, 3);

const LEASE: Duration = Duration::from_secs(10);

const SHELVES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

async fn read(app: &App<first::Registry>, shelf: &str, after: Position) -> String {
    ask(app, shelf, after).await.unwrap()
}

async fn ask(
    app: &App<first::Registry>,
    shelf: &str,
    after: Position,
) -> Result<String, ReadError> {
    let question = app.query(first::ShelfOf(shelf.to_owned()));
    question.after(after).within(LEASE * 10).await
}

#[tokio::test(start_paused = true)]
async fn a_partition_parks_what_fails_and_any_node_takes_it_up_again() {
    let store = MemoryStore::new();
    let one = first::start(store.clone()).await;
    note(&store, "s-1", "1", &SHELVES).await;
    let bad = note(&store, "s-1", "bad-divided", &["a", "b"]).await;
    let last = note(&store, "s-1", "3", &SHELVES).await;
    assert_eq!(read(&one, "c", last).await, "1 3");
    assert_eq!(ask(&one, "a", Position::ZERO).await.unwrap(), "1");
    // This node gets no partition before the other one has given some up.
    let two = first::start(store.clone()).await;
    for app in [&one, &two] {
        let waits = ask(app, "a", last).await.unwrap_err();
        assert!(matches!(waits, ReadError::Parked { first, .. } if first == bad), "{waits}");
    }
    let shelves = two.projection("shelves").unwrap();
    let lines = shelves.parked().await.unwrap();
    let firsts: Vec<_> = lines.iter().map(|line| (&line.first.key, line.first.position)).collect();
    let (a, b) = (ParkedKey::from("a"), ParkedKey::from("b"));
    assert_eq!(firsts, [(&a, bad), (&b, bad)]);
    assert_eq!(shelves.parked_events("a", 9).await.unwrap().len(), 2);
    let none = shelves.retry("c").await.unwrap_err();
    assert!(matches!(none, ProjectionControlError::NotParked { .. }), "{none}");
    heal("bad-divided");
    assert_eq!(shelves.retry("a").await.unwrap().applied, 2);
    let (dropped, retried) = shelves.drop_parked("b").await.unwrap();
    assert_eq!((dropped.position, retried.applied), (bad, 1));
    let last = note(&store, "s-1", "4", &SHELVES).await;
    for app in [&one, &two] {
        assert_eq!(read(app, "a", last).await, "1 bad-divided 3 4");
        assert_eq!(read(app, "b", last).await, "1 3 4");
    }
    assert!(shelves.parked().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_can_read_waits_in_every_partition_and_counts_once() {
    let store = MemoryStore::new();
    let app = first::start(store.clone()).await;
    note(&store, "s-1", "1", &SHELVES).await;
    note(&store, "s-1", "illegible-divided", &SHELVES).await;
    note(&store, "s-1", "3", &["a"]).await;
    let last = note(&store, "s-2", "4", &["f"]).await;
    assert_eq!(read(&app, "f", last).await, "1 4");
    assert_eq!(ask(&app, "a", Position::ZERO).await.unwrap(), "1");
    let shelves = app.projection("shelves").unwrap();
    let stream = ParkedKey::Stream(StreamId::new("s-1").unwrap());
    let lines = shelves.parked().await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.first.key == stream).count(), 1, "{lines:?}");
    heal("illegible-divided");
    let retried = shelves.retry(stream).await.unwrap();
    assert!(retried.failures.is_empty(), "{retried:?}");
    assert!(shelves.parked().await.unwrap().is_empty());
    assert_eq!(read(&app, "a", last).await, "1 illegible-divided 3");
    for shelf in ["b", "c", "d", "e"] {
        assert_eq!(read(&app, shelf, last).await, "1 illegible-divided");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_in_partitions_can_be_gone_back_to_and_leaves_nothing_when_it_is_dropped() {
    let store = MemoryStore::new();
    let old = first::start(store.clone()).await;
    let last = note(&store, "s-1", "1", &SHELVES).await;
    assert_eq!(read(&old, "a", last).await, "1");
    old.shutdown().await;
    let new = second::start(store.clone()).await;
    let answer = || new.query(second::ShelfOf("a".to_owned())).after(last).within(LEASE * 10);
    assert_eq!(answer().await.unwrap(), "1");
    let shelves = new.projection("shelves").unwrap();
    let versions = shelves.versions().await.unwrap();
    let come: Vec<_> = versions.iter().map(|stored| (stored.version, stored.checkpoint)).collect();
    assert_eq!(come, [(1, last), (2, last)]);
    shelves.activate(1).await.unwrap();
    tokio::time::sleep(LEASE * 2).await;
    assert_eq!(store.active_version("shelves").await.unwrap(), Some(1), "nobody undid it");
    let stuck = answer().await.unwrap_err();
    let back = StuckCause::RolledBack { active: 1 };
    assert!(matches!(&stuck, ReadError::Stuck { cause, .. } if *cause == back), "{stuck}");
    shelves.activate(2).await.unwrap();
    assert_eq!(answer().await.unwrap(), "1");
    shelves.drop_version(1).await.unwrap();
    for index in 0..4 {
        let part = ProjectionId::new(format!("shelves#{index}"), 1);
        assert_eq!(store.checkpoint(&part).await.unwrap(), Position::ZERO, "{part}");
    }
    new.shutdown().await;
    // What is gone is built anew, with every event once.
    let again = first::start(store.clone()).await;
    assert_eq!(read(&again, "a", last).await, "1");
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_projection_in_partitions_is_that_of_the_whole() {
    let store = MemoryStore::new();
    let app = first::start(store.clone()).await;
    let shelves = app.projection("shelves").unwrap();
    let last = note(&store, "s-1", "1", &SHELVES).await;
    assert_eq!(read(&app, "a", last).await, "1");
    let status = shelves.status().await.unwrap();
    assert_eq!((status.position, status.head, status.lag), (last, last, 0));
    assert!(status.caught_up, "{status:?}");
}
