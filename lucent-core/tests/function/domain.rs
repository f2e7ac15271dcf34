//! A desk: trades, and functions that look at them.

use std::{cell::Cell, thread_local, time::Duration};

use lucent_core::{ManualClock, function::EditionId, prelude::*};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum TradeEvent {
    Executed(TradeExecuted),
    Cancelled { pair: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeExecuted {
    pub pair: String,
    pub price: u64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a price of {0} is no price")]
pub struct NoPrice(pub u64);

/// What a trade costs; a price of zero is an error, and one of thirteen a misfortune.
#[function(
    shard_by = pair,
    version = 2,
    deadline = "50ms",
    priority = Critical,
    needs(cpu = "2ms", memory = "4MiB"),
    tags("fees", "desk"),
    fallback = v1
)]
pub fn fee(trade: &TradeExecuted) -> Result<u64, NoPrice> {
    judged(trade)?;
    Ok(trade.price / 200)
}

#[function(of = fee, version = 1)]
pub fn fee_v1(trade: &TradeExecuted) -> Result<u64, NoPrice> {
    Ok(trade.price / 100)
}

#[function(of = fee, version = 2, variant = "b")]
pub fn fee_b(trade: &TradeExecuted) -> Result<u64, NoPrice> {
    Ok(trade.price / 250)
}

fn judged(trade: &TradeExecuted) -> Result<(), NoPrice> {
    match trade.price {
        0 => Err(NoPrice(0)),
        13 => panic!("thirteen"),
        price @ 5_000.. => {
            takes(Duration::from_millis(price / 100));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Slow: the clock of this thread's test moves on.
fn takes(time: Duration) {
    CLOCK.with(|place| {
        place.set(place.take().inspect(|clock| {
            clock.advance(time);
        }));
    });
}

thread_local! {
    /// The clock that a slow trade moves on.
    pub static CLOCK: Cell<Option<ManualClock>> = const { Cell::new(None) };
}

/// Two inputs, one of them by value.
#[function(name = "rebate-of-desk", deny(jurisdiction = ["US-NY", "KP"]))]
pub fn rebate(trade: &TradeExecuted, percent: u8) -> u64 {
    trade.price * u64::from(percent) / 100
}

mod older {
    use super::*;

    #[function(of = super::rebate, version = 7)]
    pub fn rebate(trade: &TradeExecuted, percent: u8) -> u64 {
        trade.price / u64::from(percent)
    }
}
pub use older::rebate as rebate_v7;

pub mod on_events {
    use super::*;

    #[function(on = TradeEvent::Executed, shard_by = pair, version = 1, deadline = "50ms")]
    pub fn big(trade: &TradeExecuted) -> Option<u64> {
        if trade.price >= 5_000 {
            takes(Duration::from_millis(trade.price / 100));
        }
        (trade.price > 1_000).then_some(trade.price)
    }

    #[function(on = TradeEvent::Cancelled, shard_by = pair)]
    pub fn cancelled(event: &TradeEvent) -> String {
        format!("{event:?}")
    }

    #[function(on = TradeEvent)]
    pub fn nervous(event: &TradeEvent) -> usize {
        match event {
            TradeEvent::Executed(trade) if trade.price == 13 => panic!("thirteen again"),
            TradeEvent::Executed(_) => 1,
            TradeEvent::Cancelled { .. } => 2,
        }
    }

    #[function(on = TradeEvent::Executed, version = 3, fallback = v2)]
    pub fn picky(trade: &TradeExecuted) -> Result<u64, NoPrice> {
        match trade.price {
            0 => Err(NoPrice(0)),
            price => Ok(price),
        }
    }

    #[function(of = picky, version = 2)]
    pub fn picky_v2(_: &TradeExecuted) -> Result<u64, NoPrice> {
        Ok(2)
    }
}

lucent_core::registry! {
    functions: [
        fee, fee_v1, fee_b, rebate, rebate_v7,
        on_events::big, on_events::cancelled, on_events::nervous, on_events::picky,
        on_events::picky_v2,
    ],
}

pub type Functions = FunctionManager<Registry>;

pub async fn functions(store: &MemoryStore) -> Functions {
    FunctionManager::new(registry()).store(store.clone()).start().await.unwrap()
}

pub fn trade(pair: &str, price: u64) -> TradeExecuted {
    TradeExecuted { pair: pair.to_owned(), price }
}

pub fn user(name: &str) -> BusinessContext {
    BusinessContext::default().with("user", name)
}

pub fn in_(jurisdiction: &str) -> BusinessContext {
    BusinessContext::default().with("jurisdiction", jurisdiction)
}

pub const V1: EditionId = EditionId::version(1);
pub const V2: EditionId = EditionId::version(2);
