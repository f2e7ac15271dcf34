//! Functions in editions, and the manager that routes them.
//!
//! Invariant: what is called here is the function of the chapter, and nothing else switches it.

use std::{sync::Arc, time::Duration};

use lucent_core::{
    SystemClock,
    function::{
        CallContext, CallError, DispatchError, EditionId, Explanation, Guard, ManagerError,
        OrderError, Refusal, Rollout, Scope, Share,
    },
    mesh::{BeatPolicy, Capacity, InProcessMesh},
    prelude::*,
    store::Store,
};

use crate::{Registry, lucent_registry::FunctionId, registry};

// ANCHOR: declare
#[derive(Clone, Debug, Serialize, Deserialize, Event)]
pub struct TradeExecuted {
    pub trading_pair: String,
    pub price: u64,
    pub price_elsewhere: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Opportunity {
    pub gain: u64,
}

#[function(
    on = TradeExecuted,
    shard_by = trading_pair,
    version = 3,
    priority = Critical,
    needs(cpu = "2ms", memory = "4MiB"),
    deadline = "50ms",
    deny(jurisdiction = ["US-NY"]),
    tags("arbitrage"),
    fallback = v2
)]
pub fn detect_arbitrage(trade: &TradeExecuted) -> Option<Opportunity> {
    let gain = trade.price_elsewhere.checked_sub(trade.price)?;
    (gain * 100 > trade.price).then_some(Opportunity { gain })
}
// ANCHOR_END: declare

// ANCHOR: editions
/// The version before, kept beside the new one while that is rolled out.
#[function(of = detect_arbitrage, version = 2)]
pub fn detect_arbitrage_v2(trade: &TradeExecuted) -> Option<Opportunity> {
    let gain = trade.price_elsewhere.checked_sub(trade.price)?;
    (gain > 0).then_some(Opportunity { gain })
}

/// A variant of version 3, to be compared with it.
#[function(of = detect_arbitrage, version = 3, variant = "bold")]
pub fn detect_arbitrage_bold(trade: &TradeExecuted) -> Option<Opportunity> {
    let gain = trade.price_elsewhere.checked_sub(trade.price)?;
    (gain * 200 > trade.price).then_some(Opportunity { gain })
}
// ANCHOR_END: editions

// ANCHOR: start
pub async fn start(store: impl Store) -> Result<FunctionManager<Registry>, ManagerError> {
    FunctionManager::new(registry()).store(store).start().await
}
// ANCHOR_END: start

// ANCHOR: call
pub fn look(
    functions: &FunctionManager<Registry>,
    context: &BusinessContext,
    trade: &TradeExecuted,
) -> Result<(Option<Opportunity>, BusinessContext), CallError<std::convert::Infallible>> {
    let called = functions.call::<detect_arbitrage>(context, trade)?;
    // Commands that are executed in this context record what ran with their events.
    Ok((called.value, called.ran.noted_in(context.clone())))
}
// ANCHOR_END: call

// ANCHOR: methods
pub fn look_by_method(
    functions: &FunctionManager<Registry>,
    context: &BusinessContext,
    trade: &TradeExecuted,
) -> Result<Option<Opportunity>, CallError<std::convert::Infallible>> {
    use crate::lucent_registry::Calls as _;

    Ok(functions.detect_arbitrage(context, trade)?.value)
}
// ANCHOR_END: methods

// ANCHOR: ids
/// Who looks after a function. Whoever writes another function has to say it here.
pub fn team_of(function: FunctionId) -> &'static str {
    match function {
        FunctionId::DetectArbitrage => "markets",
    }
}

pub async fn stop_all_of(
    team: &str,
    functions: &FunctionManager<Registry>,
) -> Result<(), OrderError> {
    for &function in FunctionId::all() {
        if team_of(function) == team {
            let control = functions.control_of(function, "ann")?;
            control.disable(Scope::Everywhere, "an incident").await?;
        }
    }
    Ok(())
}
// ANCHOR_END: ids

// ANCHOR: share
/// A network of nodes within this process, each of which would otherwise be a process.
pub async fn share(
    store: MemoryStore,
) -> Result<(InProcessMesh, Vec<FunctionManager<Registry>>), ManagerError> {
    let network = InProcessMesh::new(BeatPolicy::default(), Arc::new(SystemClock));
    let mut nodes = Vec::new();
    for (name, weight) in [("small", 1), ("large", 2)] {
        let joined = network.clone();
        let capacity = Capacity { weight, slots: 8, memory: 1 << 30 };
        let functions = FunctionManager::new(registry())
            .store(store.clone())
            .mesh(move |functions| joined.join(name, capacity, functions));
        nodes.push(functions.start().await?);
    }
    network.settle().await;
    Ok((network, nodes))
}
// ANCHOR_END: share

// ANCHOR: dispatch
pub async fn look_there(
    functions: &FunctionManager<Registry>,
    context: &BusinessContext,
    trade: &TradeExecuted,
) -> Result<Option<Opportunity>, DispatchError<std::convert::Infallible>> {
    let dispatched = functions.dispatch::<detect_arbitrage>(context, trade).await?;
    if let Some(node) = &dispatched.node {
        println!("{} ran on node {node}", dispatched.ran);
    }
    Ok(dispatched.value)
}
// ANCHOR_END: dispatch

// ANCHOR: publish
pub fn tell_all(functions: &FunctionManager<Registry>, trade: &TradeExecuted) {
    let context = BusinessContext::default().with("jurisdiction", "CH");
    let published = functions.publish(&context, trade);
    if let Some(Some(found)) = published.output::<detect_arbitrage>() {
        println!("a gain of {}", found.gain);
    }
    for delivered in &published {
        println!("{delivered:?}");
    }
}
// ANCHOR_END: publish

// ANCHOR: ramp
pub async fn ramp(functions: &FunctionManager<Registry>) -> Result<(), OrderError> {
    let control = functions.control::<detect_arbitrage>("ann");
    let guard =
        Guard::default().errors_up_to(Share::percent(1)).p99_up_to(Duration::from_millis(40));
    let bold = EditionId::version(3).variant("bold");
    let rollout = |share| Rollout::of(bold.clone(), share).stick_by("user").guard(guard.clone());
    control.roll_out(rollout(Share::percent(5)), "a first look").await?;
    // Whoever was in stays in.
    control.roll_out(rollout(Share::percent(20)), "it looks good").await?;
    control.promote(bold, "it is better").await?;
    Ok(())
}
// ANCHOR_END: ramp

// ANCHOR: switch
pub async fn stop_in_new_york(functions: &FunctionManager<Registry>) -> Result<(), OrderError> {
    let control = functions.control::<detect_arbitrage>("ann");
    control.disable(Scope::jurisdiction("US"), "order 17").await?;
    // From here on, not one call for the United States runs in this process, nor on any other node.
    Ok(())
}
// ANCHOR_END: switch

// ANCHOR: shadow
pub async fn shadow(functions: &FunctionManager<Registry>) -> Result<(), OrderError> {
    let control = functions.control::<detect_arbitrage>("ann");
    control.shadow(2, Share::percent(10), "does the new one miss anything?").await?;
    Ok(())
}
// ANCHOR_END: shadow

// ANCHOR: explain
pub fn why(
    functions: &FunctionManager<Registry>,
    user: &str,
    trade: &TradeExecuted,
) -> Result<Explanation, Refusal> {
    let context = BusinessContext::default().with("user", user).with("jurisdiction", "CH");
    functions.explain::<detect_arbitrage>(&context, &trade)
}
// ANCHOR_END: explain

// ANCHOR: replay
pub fn again(
    functions: &FunctionManager<Registry>,
    event: &RecordedEvent,
    trade: &TradeExecuted,
) -> Result<Option<Opportunity>, CallError<std::convert::Infallible>> {
    // The edition that is noted in the event's metadata, whatever is current today.
    let replay = CallContext::replay(&event.metadata);
    Ok(functions.call::<detect_arbitrage>(replay, trade)?.value)
}
// ANCHOR_END: replay

#[cfg(test)]
mod tests {
    use super::*;

    // ANCHOR: test
    #[test]
    fn a_gain_of_a_hundredth_is_no_opportunity() {
        let trade = TradeExecuted {
            trading_pair: "BTC-EUR".to_owned(),
            price: 1_000,
            price_elsewhere: 1_010,
        };
        assert_eq!(detect_arbitrage(&trade), None);
    }
    // ANCHOR_END: test

    #[tokio::test]
    async fn nodes_share_calls_and_obey_together() {
        let (_network, nodes) = share(MemoryStore::new()).await.unwrap();
        let trade = TradeExecuted {
            trading_pair: "BTC-EUR".to_owned(),
            price: 1_000,
            price_elsewhere: 1_020,
        };
        let context = BusinessContext::default().with("jurisdiction", "US-CA");
        for functions in &nodes {
            let found = look_there(functions, &context, &trade).await.unwrap();
            assert_eq!(found, Some(Opportunity { gain: 20 }));
        }
        stop_in_new_york(&nodes[0]).await.unwrap();
        for functions in &nodes {
            look_there(functions, &context, &trade).await.unwrap_err();
        }
    }

    #[tokio::test]
    async fn the_chapter_runs() {
        let functions = start(MemoryStore::new()).await.unwrap();
        let trade = TradeExecuted {
            trading_pair: "BTC-EUR".to_owned(),
            price: 1_000,
            price_elsewhere: 1_008,
        };
        let context = BusinessContext::default().with("jurisdiction", "CH").with("user", "u");
        assert_eq!(look(&functions, &context, &trade).unwrap().0, None);
        shadow(&functions).await.unwrap();
        ramp(&functions).await.unwrap();
        let (found, noted) = look(&functions, &context, &trade).unwrap();
        assert_eq!(found, Some(Opportunity { gain: 8 }));
        assert!(noted.field("function:detect_arbitrage").unwrap().starts_with("v3-bold "));
        tell_all(&functions, &trade);
        stop_in_new_york(&functions).await.unwrap();
        let explained = why(&functions, "user-1", &trade).unwrap().to_string();
        assert!(explained.starts_with("detect_arbitrage v3-bold: it is the current edition"));
        let there = BusinessContext::default().with("jurisdiction", "US-CA");
        assert!(matches!(look(&functions, &there, &trade), Err(CallError::Refused(_))));
        assert_eq!(
            look_by_method(&functions, &context, &trade).unwrap(),
            Some(Opportunity { gain: 8 })
        );
        let read: FunctionId = "detect_arbitrage".parse().unwrap();
        stop_all_of(team_of(read), &functions).await.unwrap();
        assert!(look_by_method(&functions, &context, &trade).is_err());
    }
}
