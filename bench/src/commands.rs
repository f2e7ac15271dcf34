//! Durable single-event commands on distinct aggregates, beside a bare group commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lucent_core::prelude::*;
use lucent_sqlite::SqliteStore;

use crate::{
    CommandsOnly, Outcome, RUNS,
    bare::{BareRow, GroupCommit},
    domain::{AccountId, Deposit, OpenAccount},
    report::{Figure, Goal, median},
    runtime,
};

/// How long each side runs.
const TIME: Duration = Duration::from_secs(2);

/// How many commands each aggregate gets: it is opened, then money comes in.
const PER_AGGREGATE: usize = 10;

pub fn run() -> Outcome {
    let mut figures = Vec::new();
    for callers in [64, 512] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            bare.push(runtime()?.block_on(group_commit(callers))?);
            ours.push(runtime()?.block_on(execute(callers))?);
        }
        figures.push(Figure::new(
            format!("durable commands, SQLite, {callers} callers"),
            median(ours),
            "/s",
            "bare rusqlite group commit",
            median(bare),
            Goal::RatioAtLeast(0.6),
        ));
    }
    Ok(figures)
}

async fn execute(callers: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("bench.db")).await?;
    // Without the projector: the bare side has none either.
    let app = App::new(CommandsOnly).store(store).start().await?;
    let rate = drive(callers, move || {
        let app = app.clone();
        async move {
            let account = AccountId::new();
            app.execute(OpenAccount { account }).await.expect("an account is opened");
            for _ in 1..PER_AGGREGATE {
                app.execute(Deposit { account, amount: 7 }).await.expect("a deposit succeeds");
            }
            PER_AGGREGATE as u64
        }
    })
    .await;
    Ok(rate)
}

async fn group_commit(callers: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    // The same schema as Lucent's.
    SqliteStore::open(&path).await?.close().await;
    let writer = Arc::new(GroupCommit::open(&path)?);
    let rate = drive(callers, move || {
        let writer = Arc::clone(&writer);
        async move {
            let stream = format!("account-{}", Uuid::now_v7());
            for version in 1..=PER_AGGREGATE {
                writer.append(BareRow::sample(&stream, version as u64)).await;
            }
            PER_AGGREGATE as u64
        }
    })
    .await;
    Ok(rate)
}

/// Runs a loop in each caller for a while; gives the rate of what they count.
async fn drive<F, T>(callers: usize, work: F) -> f64
where
    F: Fn() -> T + Clone + Send + 'static,
    T: Future<Output = u64> + Send,
{
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (stop, done, work) = (Arc::clone(&stop), Arc::clone(&done), work.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let count = work().await;
                    done.fetch_add(count, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(TIME).await;
    let rate = (done.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a caller ends well");
    }
    rate
}
