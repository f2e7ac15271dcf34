//! Publishing events to functions.

use lucent_core::{
    ManualClock,
    function::{CallError, Scope},
    prelude::*,
};

use super::domain::{on_events::*, *};

fn executed(price: u64) -> TradeEvent {
    TradeEvent::Executed(trade("BTC-EUR", price))
}

#[tokio::test]
async fn every_function_of_an_event_runs_and_gives_its_output_with_its_type() {
    let functions = functions(&MemoryStore::new()).await;
    let published = functions.publish(CallContext::nobody(), &executed(2_000));
    let ran: Vec<&str> = published.iter().map(|delivered| delivered.function).collect();
    assert_eq!(ran, ["big", "nervous", "picky"]);
    assert_eq!(published.output::<big>(), Some(&Some(2_000)));
    assert_eq!(published.output::<nervous>(), Some(&1));
    assert_eq!(published.output::<cancelled>(), None);

    let published =
        functions.publish(CallContext::nobody(), &TradeEvent::Cancelled { pair: "a".into() });
    let ran: Vec<&str> = published.iter().map(|delivered| delivered.function).collect();
    assert_eq!(ran, ["cancelled", "nervous"]);
}

#[tokio::test]
async fn a_function_that_panics_or_fails_does_not_reach_the_others() {
    let functions = functions(&MemoryStore::new()).await;
    let published = functions.publish(CallContext::nobody(), &executed(13));
    let outcomes: Vec<_> = published.iter().map(|one| format!("{one:?}")).collect();
    assert!(outcomes[0].starts_with("big v1 reason=current"));
    assert_eq!(outcomes[1], "nervous: `nervous`: it panicked: thirteen again");
    assert_eq!(published.output::<picky>(), Some(&13));
    let published = functions.publish(CallContext::nobody(), &executed(0));
    let picky = published.iter().find(|one| one.function == "picky").unwrap();
    assert!(
        matches!(&picky.outcome, Err(CallError::Failed(error)) if error.to_string() == "a price of 0 is no price")
    );
    assert_eq!(published.output::<nervous>(), Some(&1));
}

#[tokio::test]
async fn a_function_that_misses_its_deadline_does_not_reach_the_others() {
    let clock = ManualClock::default();
    CLOCK.with(|place| place.set(Some(clock.clone())));
    let manager = FunctionManager::new(registry()).store(MemoryStore::new());
    let functions = manager.clock(clock).start().await.unwrap();
    let published = functions.publish(CallContext::nobody(), &executed(6_000));
    let big = published.iter().find(|one| one.function == "big").unwrap();
    assert!(matches!(&big.outcome, Err(CallError::Late { function: "big", .. })));
    assert_eq!(published.output::<nervous>(), Some(&1));
    assert_eq!(published.output::<picky>(), Some(&6_000));
}

#[tokio::test]
async fn a_disabled_function_does_not_run_and_the_others_do() {
    let functions = functions(&MemoryStore::new()).await;
    functions.control::<big>("ann").disable(Scope::Everywhere, "too big").await.unwrap();
    let published = functions.publish(CallContext::nobody(), &executed(2_000));
    assert_eq!(published.output::<big>(), None);
    assert_eq!(published.output::<nervous>(), Some(&1));
}

#[derive(Serialize, Deserialize, Event)]
struct NobodyCares;

#[tokio::test]
async fn an_event_that_no_function_runs_on_has_no_outcomes() {
    let functions = functions(&MemoryStore::new()).await;
    assert_eq!(functions.publish(CallContext::nobody(), &NobodyCares).iter().count(), 0);
}
