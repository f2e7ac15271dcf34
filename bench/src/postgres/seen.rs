//! How long a commit takes to be in the read model, while 64 callers commit as fast as they can.
//!
//! Invariant: what is timed begins when the caller knows of the commit, and ends when a query could
//! read what the projector made of it.

use std::time::{Duration, Instant};

use lucent_core::prelude::*;
use lucent_postgres::PostgresStore;

use crate::{
    Outcome, RUNS,
    domain::{AccountId, Deposit, OpenAccount},
    postgres::{
        PER_AGGREGATE,
        drive::{TIME, drive},
        server::Schema,
    },
    report::{Figure, Goal, median},
    runtime,
};

const CALLERS: usize = 64;

pub fn run() -> Outcome {
    let (mut ends, mut middles) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut delays = runtime()?.block_on(delays())?;
        delays.sort_by(f64::total_cmp);
        middles.push(delays[delays.len() / 2]);
        ends.push(delays[(delays.len() - 1) * 99 / 100]);
    }
    Ok(vec![Figure::new(
        "commit to read model, PostgreSQL, 64 callers, p99",
        median(ends),
        "ms",
        "its p50",
        median(middles),
        Goal::AtMost(20.0),
    )])
}

/// Delays in milliseconds, one after another.
async fn delays() -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let schema = Schema::make().await?;
    let store = PostgresStore::builder(&schema.url).schema(&schema.name).connect().await?;
    let app = App::new(crate::registry()).store(store.clone()).start().await?;
    let callers = app.clone();
    let load = tokio::spawn(drive(CALLERS, move |_, timer| {
        let app = callers.clone();
        async move {
            let account = AccountId::new();
            timer.time(app.execute(OpenAccount { account })).await.expect("an account is opened");
            for _ in 1..PER_AGGREGATE {
                let deposit = app.execute(Deposit { account, amount: 7 });
                timer.time(deposit).await.expect("a deposit succeeds");
            }
        }
    }));
    let accounts = app.projection("accounts")?;
    let account = AccountId::new();
    app.execute(OpenAccount { account }).await?;
    let mut delays = Vec::new();
    let (start, mut warm) = (Instant::now(), false);
    while start.elapsed() < TIME {
        let done = app.execute(Deposit { account, amount: 7 }).await?;
        let committed = Instant::now();
        accounts.wait_for(done.position, Duration::from_secs(60)).await?;
        if warm {
            delays.push(committed.elapsed().as_secs_f64() * 1e3);
        }
        warm |= start.elapsed() > TIME / 4;
    }
    load.await?;
    app.shutdown().await;
    store.close().await;
    schema.remove().await?;
    Ok(delays)
}
