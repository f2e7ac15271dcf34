//! An application on a file: what it parks and rebuilds survives its end.

use std::sync::atomic::{AtomicBool, Ordering};

use lucent_core::{
    App, Position,
    prelude::*,
    store::{Append, EventStore as _, ExpectedVersion, ParkedKey},
};
use lucent_sqlite::SqliteStore;

use crate::support::{Folder, stream};

static REPAIRED: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
enum TallyEvent {
    Tallied { of: String, number: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
struct Tally {
    numbers: Vec<u64>,
}

fn of(event: &TallyEvent) -> &str {
    let TallyEvent::Tallied { of, .. } = event;
    of
}

#[projector(name = "tallies", version = 1, key = of)]
fn tallies(tally: &mut Tally, event: &TallyEvent) -> Result<(), String> {
    let TallyEvent::Tallied { number, .. } = event;
    if *number == 13 && !REPAIRED.load(Ordering::SeqCst) {
        return Err("thirteen is not liked".to_owned());
    }
    tally.numbers.push(*number);
    Ok(())
}

#[derive(Debug, Query)]
struct NumbersOf(&'static str);

#[query_handler]
async fn numbers_of(query: NumbersOf, tallies: &View<Tally>) -> Result<Vec<u64>, ReadError> {
    Ok(tallies.get(query.0).await?.unwrap_or_default().numbers)
}

lucent_core::registry! { functions: [tallies, numbers_of] }

async fn start(store: SqliteStore) -> App<Registry> {
    let parking = ParkingPolicy { tries: 1, ..ParkingPolicy::default() };
    App::new(registry()).store(store).parking(parking).start().await.unwrap()
}

async fn tally(store: &SqliteStore, of: &str, numbers: &[u64]) -> Position {
    let metadata = Metadata::of_command(CommandId::new(), BusinessContext::default()).into();
    let events = numbers.iter().map(|&number| {
        let event = TallyEvent::Tallied { of: of.to_owned(), number };
        NewEvent::encode(&event, &metadata, Timestamp::now()).unwrap()
    });
    let append = Append::one(stream("tally-1"), ExpectedVersion::Any, events.collect());
    store.append(append).await.unwrap().position
}

#[tokio::test]
async fn what_an_application_parks_survives_its_end_and_is_taken_up_in_order() {
    let folder = Folder::new();
    let store = folder.open().await;
    let app = start(store.clone()).await;
    tally(&store, "a", &[1, 13, 2]).await;
    let last = tally(&store, "b", &[3]).await;
    assert_eq!(app.query(NumbersOf("b")).after(last).await.unwrap(), [3]);
    app.shutdown().await;
    drop(app);
    store.close().await;

    let store = folder.open().await;
    let app = start(store.clone()).await;
    let last = tally(&store, "a", &[4]).await;
    let refused = app.query(NumbersOf("a")).after(last).await.unwrap_err();
    assert!(matches!(refused, ReadError::Parked { .. }), "{refused}");
    assert_eq!(app.query(NumbersOf("a")).await.unwrap(), [1]);
    let projection = app.projection("tallies").unwrap();
    let lines = projection.parked().await.unwrap();
    assert_eq!((&lines[0].first.key, lines[0].events), (&ParkedKey::from("a"), 3));
    REPAIRED.store(true, Ordering::SeqCst);
    assert_eq!(projection.retry_all().await.unwrap().applied, 3);
    let last = tally(&store, "a", &[5]).await;
    assert_eq!(app.query(NumbersOf("a")).after(last).await.unwrap(), [1, 13, 2, 4, 5]);

    projection.rebuild().await.unwrap();
    app.shutdown().await;
    drop((app, projection));
    store.close().await;
    let store = folder.open().await;
    let app = start(store.clone()).await;
    while app.projection("tallies").unwrap().rebuilding().is_some() {
        tokio::task::yield_now().await;
    }
    let last = tally(&store, "a", &[6]).await;
    assert_eq!(app.query(NumbersOf("a")).after(last).await.unwrap(), [1, 13, 2, 4, 5, 6]);
}
