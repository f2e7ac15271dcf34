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
    pub values: u64,
}

/// Whether a coin of 13 is taken.
static LUCKY: AtomicBool = AtomicBool::new(false);

#[projector(name = "counted", version = 1)]
pub fn counted(view: &mut Counted, event: &TillEvent) {
    if let TillEvent::CoinAdded { value } = event {
        assert!(*value != 13 || LUCKY.load(Ordering::SeqCst), "it brings bad luck");
        view.coins += 1;
        view.values += value;
    }
}

#[derive(Debug, Query)]
pub struct CoinsIn(pub &'static str);

#[query_handler]
pub async fn coins_in(of: CoinsIn, counted: &View<Counted>) -> Result<u64, ReadError> {
    let found = counted.get(of.0).await?.unwrap_or_default();
    Ok(found.coins)
}

lucent_core::registry! { functions: [counted, coins_in] }

/// How many events a projection reads at once.
const PAGE: u64 = 4_000;

/// Seven pages of coins for two tills in turn, of which one may be bad.
async fn seven_pages(store: &MemoryStore, bad: Option<u64>) {
    let coin =
        |position| TillEvent::CoinAdded { value: if bad == Some(position) { 13 } else { 1 } };
    for page in 0..7 {
        let coins: Vec<_> = (page * PAGE + 1..=(page + 1) * PAGE).map(coin).collect();
        append_elsewhere(store, if page % 2 == 0 { "a" } else { "b" }, &coins).await;
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
    assert_eq!(app.query(CoinsIn("a")).after(head).await.unwrap(), 4 * PAGE);
    assert_eq!(app.query(CoinsIn("b")).after(head).await.unwrap(), 3 * PAGE);
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
    assert_eq!(app.query(CoinsIn("a")).await.unwrap(), 2 * PAGE + 2_000);
    assert_eq!(app.query(CoinsIn("b")).await.unwrap(), 2 * PAGE);
    LUCKY.store(true, Ordering::SeqCst);
    until(&app, |status| status.lag == 0).await;
    assert_eq!(app.query(CoinsIn("a")).await.unwrap(), 4 * PAGE);
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
    assert_eq!(app.query(CoinsIn("a")).await.unwrap(), 3 * PAGE);
    faults.set(Fault::None);
    until(&app, |status| status.lag == 0).await;
    assert_eq!(app.query(CoinsIn("a")).await.unwrap(), 4 * PAGE);
    assert_eq!(app.query(CoinsIn("b")).await.unwrap(), 3 * PAGE);
}
