//! Projections: consistencies, waiting, failing, versions.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lucent_core::{StuckCause, prelude::*, store::ReadModelStore as _};

use super::{
    domain::{TillEvent, add, app, open, take, till},
    store_with_faults::{Fault, StoreWithFaults},
};

/// What the versions of this read model have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
pub struct Sum {
    pub sum: i64,
}

fn fold(view: &mut Sum, event: &TillEvent) {
    match event {
        TillEvent::TillOpened { .. } => {}
        TillEvent::CoinAdded { value } => view.sum += i64::try_from(*value).unwrap(),
        TillEvent::CoinTaken { value } => view.sum -= i64::try_from(*value).unwrap(),
    }
}

mod asynchronous {
    use super::*;

    #[projector(name = "sums", version = 1)]
    pub fn sums(view: &mut Sum, event: &TillEvent) {
        fold(view, event);
    }

    #[derive(Debug, Query)]
    pub struct SumOf(pub &'static str);

    #[query_handler]
    pub async fn sum_of(query: SumOf, sums: &View<Sum>) -> Result<Option<i64>, ReadError> {
        Ok(sums.get(query.0).await?.map(|view| view.sum))
    }

    lucent_core::registry! {
        functions: [
            sums, sum_of, super::super::domain::open_till, super::super::domain::add_coins,
            super::super::domain::take_coin
        ]
    }
}

#[tokio::test]
async fn a_query_after_a_position_sees_what_was_written_before() {
    use asynchronous::{SumOf, registry};
    let app = App::new(registry()).store(MemoryStore::new()).start().await.unwrap();
    app.execute(open("a")).await.unwrap();
    for value in 1..=40_u64 {
        let done = app.execute(add("a", &[value])).await.unwrap();
        let sum = app.query(SumOf("a")).after(done.position).await.unwrap();
        assert_eq!(sum, Some(i64::try_from(done.reply).unwrap()));
    }
    assert_eq!(app.query(SumOf("nobody")).await.unwrap(), None);
}

#[tokio::test]
async fn a_position_that_does_not_come_in_time_is_an_error_and_not_an_old_answer() {
    use asynchronous::{SumOf, registry};
    let app = App::new(registry()).store(MemoryStore::new()).start().await.unwrap();
    let question = app.query(SumOf("a")).after(Position::new(9)).within(Duration::from_millis(20));
    let error = question.await.unwrap_err();
    assert!(
        matches!(error, ReadError::NotYet { wanted, reached, .. } if wanted == Position::new(9) && reached == Position::ZERO),
        "{error}"
    );
}

#[tokio::test]
async fn a_projection_goes_on_from_its_checkpoint_after_a_restart_and_doubles_nothing() {
    use asynchronous::{SumOf, registry};
    let store = MemoryStore::new();
    let first = App::new(registry()).store(store.clone()).start().await.unwrap();
    first.execute(open("a")).await.unwrap();
    let done = first.execute(add("a", &[1, 2])).await.unwrap();
    first.query(SumOf("a")).after(done.position).await.unwrap();
    first.shutdown().await;
    let done = first.execute(add("a", &[4])).await.unwrap();
    let second = App::new(registry()).store(store).start().await.unwrap();
    assert_eq!(second.query(SumOf("a")).after(done.position).await.unwrap(), Some(7));
}

#[tokio::test]
async fn two_applications_on_one_store_project_each_event_once() {
    use asynchronous::{SumOf, registry};
    let store = MemoryStore::new();
    let one = App::new(registry()).store(store.clone()).start().await.unwrap();
    let two = App::new(registry()).store(store).start().await.unwrap();
    one.execute(open("a")).await.unwrap();
    let mut last = Position::ZERO;
    for _ in 0..50 {
        one.execute(add("a", &[1])).await.unwrap();
        last = two.execute(add("a", &[1])).await.unwrap().position;
    }
    for app in [one, two] {
        let question = app.query(SumOf("a")).after(last).within(Duration::from_secs(30));
        assert_eq!(question.await.unwrap(), Some(100));
    }
}

mod inline {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Strict {
        pub sum: u64,
    }

    #[projector(name = "strict", version = 1, inline)]
    pub fn strict(view: &mut Strict, event: &TillEvent) -> Result<(), String> {
        match event {
            TillEvent::TillOpened { .. } => {}
            TillEvent::CoinAdded { value: 666 } => return Err("not that one".to_owned()),
            TillEvent::CoinAdded { value } => view.sum += value,
            TillEvent::CoinTaken { value } => view.sum -= value,
        }
        Ok(())
    }

    #[derive(Debug, Query)]
    pub struct StrictSum(pub &'static str);

    #[query_handler]
    pub async fn strict_sum(query: StrictSum, view: &View<Strict>) -> Result<u64, ReadError> {
        Ok(view.get(query.0).await?.unwrap_or_default().sum)
    }

    lucent_core::registry! {
        functions: [
            strict, strict_sum, super::super::domain::open_till, super::super::domain::add_coins
        ]
    }
}

#[tokio::test]
async fn an_inline_projection_is_there_as_soon_as_the_event_is() {
    use inline::{StrictSum, registry};
    let store = MemoryStore::new();
    // Events from before the projection existed are caught up with at the start.
    app(store.clone()).await.execute(open("a")).await.unwrap();
    app(store.clone()).await.execute(add("a", &[1])).await.unwrap();
    let app = App::new(registry()).store(store.clone()).start().await.unwrap();
    assert_eq!(app.query(StrictSum("a")).await.unwrap(), 1);
    app.execute(add("a", &[2])).await.unwrap();
    assert_eq!(app.query(StrictSum("a")).await.unwrap(), 3);
    // So are events that a program without the projection wrote.
    super::domain::app(store).await.execute(add("a", &[4])).await.unwrap();
    let done = app.execute(add("a", &[8])).await.unwrap();
    assert_eq!(app.query(StrictSum("a")).after(done.position).await.unwrap(), 15);
}

#[tokio::test]
async fn an_inline_projection_that_fails_refuses_the_append() {
    use inline::{StrictSum, registry};
    let app = App::new(registry()).store(MemoryStore::new()).start().await.unwrap();
    app.execute(open("a")).await.unwrap();
    let head = app.store().head().await.unwrap();
    let error = app.execute(add("a", &[1, 666])).await.unwrap_err();
    assert!(matches!(&error, CommandError::Projection(_)), "{error}");
    assert!(error.to_string().contains("not that one"), "{error}");
    assert_eq!(app.store().head().await.unwrap(), head);
    assert_eq!(app.execute(add("a", &[5])).await.unwrap().reply, 5);
    assert_eq!(app.query(StrictSum("a")).await.unwrap(), 5);
}

mod live {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Coins {
        pub count: u64,
    }

    fn whole_world(_: &TillEvent) -> &'static str {
        "all"
    }

    #[projector(name = "coins", version = 1, live, key = whole_world)]
    pub fn coins(view: &mut Coins, event: &TillEvent) -> Keep {
        match event {
            TillEvent::CoinAdded { .. } => view.count += 1,
            TillEvent::CoinTaken { .. } => view.count -= 1,
            TillEvent::TillOpened { .. } => {}
        }
        if view.count == 0 { Keep::Delete } else { Keep::Put }
    }

    #[derive(Debug, Query)]
    pub struct AllCoins;

    #[query_handler]
    pub async fn all_coins(
        _: AllCoins,
        view: &View<Coins>,
    ) -> Result<Vec<(String, u64)>, ReadError> {
        let all = view.all().await?;
        Ok(all.into_iter().map(|(key, coins)| (key.to_string(), coins.count)).collect())
    }

    lucent_core::registry! {
        functions: [
            coins, all_coins, super::super::domain::open_till, super::super::domain::add_coins,
            super::super::domain::take_coin
        ]
    }
}

#[tokio::test]
async fn a_live_projection_is_built_anew_and_may_remove_documents() {
    use live::{AllCoins, registry};
    let store = MemoryStore::new();
    let before = app(store.clone()).await;
    before.execute(open("a")).await.unwrap();
    before.execute(open("b")).await.unwrap();
    before.execute(add("a", &[1])).await.unwrap();
    let done = before.execute(add("b", &[2])).await.unwrap();
    let app = App::new(registry()).store(store.clone()).start().await.unwrap();
    let coins = app.query(AllCoins).after(done.position).await.unwrap();
    assert_eq!(coins, [("all".to_owned(), 2)]);
    app.execute(take("a", 1)).await.unwrap();
    let done = app.execute(take("b", 2)).await.unwrap();
    assert_eq!(app.query(AllCoins).after(done.position).await.unwrap(), []);
    let id = lucent_core::store::ProjectionId::new("coins", 1);
    assert_eq!(store.checkpoint(&id).await.unwrap(), Position::ZERO, "nothing of it is stored");
}

mod failing {
    use super::*;

    pub static BROKEN: AtomicBool = AtomicBool::new(true);

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Picky {
        pub sum: u64,
    }

    #[projector(name = "picky", version = 1)]
    pub fn picky(view: &mut Picky, event: &TillEvent) {
        if let TillEvent::CoinAdded { value } = event {
            assert!(*value != 5 || !BROKEN.load(Ordering::SeqCst), "five is not liked");
            view.sum += value;
        }
    }

    #[derive(Debug, Query)]
    pub struct PickySum;

    #[query_handler]
    pub async fn picky_sum(_: PickySum, view: &View<Picky>) -> Result<u64, ReadError> {
        Ok(view.get("a").await?.unwrap_or_default().sum)
    }

    lucent_core::registry! {
        functions: [
            picky, picky_sum, super::super::domain::open_till, super::super::domain::add_coins
        ]
    }
}

#[tokio::test]
async fn an_event_that_fails_is_neither_skipped_nor_does_it_end_the_projection() {
    use failing::{BROKEN, PickySum, registry};
    let never = ParkingPolicy::never();
    let app = App::new(registry()).store(MemoryStore::new()).parking(never).start().await.unwrap();
    app.execute(open("a")).await.unwrap();
    let good = app.execute(add("a", &[1])).await.unwrap();
    let last = app.execute(add("a", &[5, 7])).await.unwrap();
    assert_eq!(app.query(PickySum).after(good.position).await.unwrap(), 1);
    let error = app.query(PickySum).after(last.position).within(Duration::from_millis(200)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("five is not liked") && error.contains("CoinAdded"), "{error}");
    assert_eq!(app.query(PickySum).await.unwrap(), 1, "events before it are applied");
    let error = app.query(PickySum).after(last.position).within(Duration::from_secs(600)).await;
    let error = error.unwrap_err();
    let cause = |error: &ReadError| {
        matches!(error, ReadError::Stuck { cause: StuckCause::Failing { .. }, .. })
    };
    assert!(cause(&error), "who waits is told before the time is up: {error}");
    BROKEN.store(false, Ordering::SeqCst);
    let mut healed = app.query(PickySum).after(last.position).await;
    while healed.as_ref().is_err_and(cause) {
        tokio::task::yield_now().await;
        healed = app.query(PickySum).after(last.position).await;
    }
    assert_eq!(healed.unwrap(), 13);
    assert_eq!(app.projections()[0].failure, None);
}

mod next_version {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Doubled {
        pub sum: i64,
    }

    pub static GATE: AtomicBool = AtomicBool::new(false);

    #[projector(name = "sums", version = 2)]
    pub fn sums(view: &mut Doubled, event: &TillEvent) -> Result<(), &'static str> {
        if !GATE.load(Ordering::SeqCst) {
            return Err("the test holds it back");
        }
        if let TillEvent::CoinAdded { value } = event {
            view.sum += 2 * i64::try_from(*value).unwrap();
        }
        Ok(())
    }

    #[derive(Debug, Query)]
    pub struct DoubledSum;

    #[query_handler]
    pub async fn doubled_sum(_: DoubledSum, view: &View<Doubled>) -> Result<i64, ReadError> {
        Ok(view.get("a").await?.unwrap_or_default().sum)
    }

    lucent_core::registry! { functions: [sums, doubled_sum] }
}

#[tokio::test]
async fn a_new_version_is_built_beside_the_old_one_and_then_switched_to() {
    use next_version::{DoubledSum, GATE, registry};
    let store = MemoryStore::new();
    let old = App::new(asynchronous::registry()).store(store.clone()).start().await.unwrap();
    old.execute(open("a")).await.unwrap();
    let done = old.execute(add("a", &[10])).await.unwrap();
    old.query(asynchronous::SumOf("a")).after(done.position).await.unwrap();
    old.shutdown().await;
    let never = ParkingPolicy::never();
    let new = App::new(registry()).store(store.clone()).parking(never).start().await.unwrap();
    assert_eq!(new.query(DoubledSum).await.unwrap(), 10, "answered from the old version");
    GATE.store(true, Ordering::SeqCst);
    let after = new.query(DoubledSum).after(done.position).within(Duration::from_secs(40));
    assert_eq!(after.await.unwrap(), 20, "the switch comes before the position is reported");
    assert_eq!(new.projections()[0].active_version, 2);
    new.shutdown().await;
    assert_eq!(store.active_version("sums").await.unwrap(), Some(2));
    assert_eq!(
        app(store).await.load::<super::domain::Till>(&till("a")).await.unwrap().state.sum,
        10
    );
}

mod third_version {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ReadModel)]
    pub struct Tripled {
        pub sum: i64,
    }

    #[projector(name = "sums", version = 3)]
    pub fn sums(view: &mut Tripled, event: &TillEvent) {
        if let TillEvent::CoinAdded { value } = event {
            view.sum += 3 * i64::try_from(*value).unwrap();
        }
    }

    #[derive(Debug, Query)]
    pub struct TripledSum;

    #[query_handler]
    pub async fn tripled_sum(_: TripledSum, view: &View<Tripled>) -> Result<i64, ReadError> {
        Ok(view.get("a").await?.unwrap_or_default().sum)
    }

    lucent_core::registry! { functions: [sums, tripled_sum, super::super::domain::add_coins] }
}

#[tokio::test]
async fn a_position_is_not_reported_as_seen_before_the_new_version_has_taken_over() {
    use third_version::{TripledSum, registry};
    let (store, faults) = StoreWithFaults::new();
    let old = App::new(asynchronous::registry()).store(store.clone()).start().await.unwrap();
    old.execute(open("a")).await.unwrap();
    let done = old.execute(add("a", &[10])).await.unwrap();
    old.query(asynchronous::SumOf("a")).after(done.position).await.unwrap();
    old.shutdown().await;
    faults.set(Fault::NoActivation);
    let new = App::new(registry()).store(store).start().await.unwrap();
    let done = new.execute(add("a", &[1])).await.unwrap();
    let error = new.query(TripledSum).after(done.position).within(Duration::from_millis(300)).await;
    assert!(matches!(error, Err(ReadError::NotYet { .. })), "{error:?}");
    faults.set(Fault::None);
    let answer = new.query(TripledSum).after(done.position).within(Duration::from_secs(40)).await;
    assert_eq!(answer.unwrap(), 33);
}
