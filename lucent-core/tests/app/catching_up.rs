//! Projections that are many pages behind the log.

use std::sync::atomic::{AtomicBool, Ordering};

use lucent_core::{ProjectionStatus, prelude::*, store::EventStore as _};

use super::{
    domain::{TillEvent, append_elsewhere},
    store_with_faults::{Fault, StoreWithFaults},
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Counted {
    pub coins: u64,
}

/// A coin that is not taken, unless it is repaired.
const BENT: u64 = 999_001;
static REPAIRED: AtomicBool = AtomicBool::new(false);

/// How many documents take turns.
const DOCUMENTS: u64 = 3_000;

fn kind(event: &TillEvent) -> u64 {
    match event {
        TillEvent::CoinAdded { value } => value % DOCUMENTS,
        _ => 0,
    }
}

#[projector(name = "counted", version = 1, key = kind)]
pub fn counted(view: &mut Counted, event: &TillEvent) {
    if let TillEvent::CoinAdded { value } = event {
        assert!(*value != BENT || REPAIRED.load(Ordering::SeqCst), "it is bent");
        view.coins += 1;
    }
}

/// How many coins there are, and how many of the kind that has most of them.
#[derive(Debug, Query)]
pub struct Coins;

#[query_handler]
pub async fn coins(_: Coins, counted: &View<Counted>) -> Result<(u64, u64), ReadError> {
    let all = counted.all().await?;
    let coins = all.iter().map(|(_, view)| view.coins);
    Ok((coins.clone().sum(), coins.max().unwrap_or_default()))
}

lucent_core::registry! { functions: [counted, coins] }

/// How many events a projection reads at once.
const PAGE: u64 = 4_000;

/// Seven pages of coins, each kind in turn, of which one may be bent.
async fn seven_pages(store: &MemoryStore, bent: Option<u64>) {
    let value = |position| if bent == Some(position) { BENT } else { position };
    for page in 0..7 {
        let positions = page * PAGE + 1..=(page + 1) * PAGE;
        let coins = positions.map(|position| TillEvent::CoinAdded { value: value(position) });
        append_elsewhere(store, "a", &coins.collect::<Vec<_>>()).await;
    }
}

async fn until<R>(app: &App<R>, holds: impl Fn(&ProjectionStatus) -> bool) -> ProjectionStatus {
    loop {
        let status = app.projection("counted").unwrap().status().await.unwrap();
        if holds(&status) {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_far_behind_stores_several_pages_at_once_and_counts_each_event_once() {
    let inner = MemoryStore::new();
    seven_pages(&inner, None).await;
    let (store, faults) = StoreWithFaults::over(inner);
    let app = App::new(registry()).store(store.clone()).start().await.unwrap();
    let head = store.head().await.unwrap();
    assert_eq!(app.query(Coins).after(head).await.unwrap(), (28_000, 10));
    // The first page, the six others, and that queries are answered from it.
    assert_eq!(faults.steps(), 3);
}

#[tokio::test]
async fn whatever_was_taken_before_an_event_that_fails_is_stored() {
    let store = MemoryStore::new();
    seven_pages(&store, Some(18_001)).await;
    let never = ParkingPolicy::never();
    let app = App::new(registry()).store(store.clone()).parking(never).start().await.unwrap();
    let status = until(&app, |status| status.failure.is_some()).await;
    assert_eq!(status.position, Position::new(18_000));
    assert_eq!(app.query(Coins).await.unwrap(), (18_000, 6));
    REPAIRED.store(true, Ordering::SeqCst);
    until(&app, |status| status.lag == 0).await;
    assert_eq!(app.query(Coins).await.unwrap(), (28_000, 10));
}

#[tokio::test]
async fn whatever_was_taken_before_the_log_cannot_be_read_is_stored() {
    let inner = MemoryStore::new();
    seven_pages(&inner, None).await;
    let (store, faults) = StoreWithFaults::over(inner);
    faults.set(Fault::TornLog);
    let app = App::new(registry()).store(store).start().await.unwrap();
    let status = until(&app, |status| status.failure.is_some()).await;
    assert_eq!(status.position, Position::new(20_000));
    assert_eq!(app.query(Coins).await.unwrap(), (20_000, 7));
    faults.set(Fault::None);
    until(&app, |status| status.lag == 0).await;
    assert_eq!(app.query(Coins).await.unwrap(), (28_000, 10));
}
