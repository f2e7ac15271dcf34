//! What `execute` adds to calling the functions by hand, on the in-memory store.

use std::{hint::black_box, time::Instant};

use lucent_core::prelude::*;

use crate::{
    CommandsOnly, Outcome, RUNS,
    domain::{Account, AccountId, Deposit, deposit},
    report::{Figure, Goal, median},
};

const COMMANDS: u32 = 200_000;

pub fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        by_hand.push(decide_and_evolve());
        ours.push(runtime.block_on(execute())?);
    }
    let (ours, by_hand) = (median(ours), median(by_hand));
    Ok(vec![Figure::new(
        "execute of a cached aggregate, in memory: overhead",
        ours - by_hand,
        "ns",
        "decide and evolve by hand",
        by_hand,
        Goal::AtMost(2_000.0),
    )])
}

async fn execute() -> Result<f64, Box<dyn std::error::Error>> {
    let app = App::new(CommandsOnly).store(MemoryStore::new()).start().await?;
    let account = AccountId::new();
    app.execute(Deposit { account, amount: 1 }).await?;
    let start = Instant::now();
    for _ in 0..COMMANDS {
        black_box(app.execute(black_box(Deposit { account, amount: 1 })).await?);
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(COMMANDS))
}

fn decide_and_evolve() -> f64 {
    let mut state = Account::default();
    let command = Deposit { account: AccountId::new(), amount: 1 };
    let start = Instant::now();
    for _ in 0..COMMANDS {
        if let Ok(event) = deposit(&state, black_box(&command)) {
            state.evolve(black_box(&event));
        }
    }
    black_box(&state);
    start.elapsed().as_nanos() as f64 / f64::from(COMMANDS)
}
