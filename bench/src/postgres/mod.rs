//! Durable commands on PostgreSQL, beside bare limits on the same server.
//!
//! Invariant: every side writes the same columns under the same indexes and the same settings.

mod bare;
pub mod catch_up;
mod drive;
pub mod memory;
pub mod partitioned;
mod seed;
pub mod seen;
mod server;

pub use server::describe;

use lucent_core::prelude::*;
use lucent_postgres::{PostgresBuilder, PostgresStore};

use crate::{
    CommandsOnly, Outcome, RUNS,
    domain::{AccountId, Deposit, OpenAccount},
    postgres::{
        bare::{GroupCommit, Row, SingleInserts},
        drive::{Pace, drive},
        server::Schema,
    },
    report::{Figure, Goal, median},
    runtime,
};

/// How many commands each aggregate gets: it is opened, then money comes in.
const PER_AGGREGATE: u64 = 10;

/// How the ledger is laid out.
type Layout = fn(PostgresBuilder) -> PostgresBuilder;

/// As a ledger is that asks for nothing.
fn whole(builder: PostgresBuilder) -> PostgresBuilder {
    builder
}

type Measured = Result<Pace, Box<dyn std::error::Error>>;

pub fn run() -> Outcome {
    let mut figures = vec![latency()?];
    for (callers, of_group, of_single) in [(8, 0.7, 0.7), (64, 0.7, 1.0), (512, 0.6, 1.0)] {
        figures.extend(throughput(callers, of_group, of_single)?);
    }
    figures.push(hot()?);
    Ok(figures)
}

/// One caller: what a lone command costs beside a lone INSERT.
fn latency() -> Result<Figure, Box<dyn std::error::Error>> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        bare.push(runtime()?.block_on(single_inserts(1))?.p50);
        ours.push(runtime()?.block_on(execute(1, whole))?.p50);
    }
    Ok(Figure::new(
        "durable command, PostgreSQL, 1 caller, p50",
        median(ours),
        "µs",
        "bare INSERT of one statement",
        median(bare),
        Goal::RatioAtMost(1.3),
    ))
}

/// Many callers on distinct aggregates.
fn throughput(callers: usize, of_group: f64, of_single: f64) -> Outcome {
    let (mut ours, mut group, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        single.push(runtime()?.block_on(single_inserts(callers))?);
        group.push(runtime()?.block_on(group_commit(callers))?);
        ours.push(runtime()?.block_on(execute(callers, whole))?);
    }
    let rate = |paces: &[Pace]| median(paces.iter().map(|pace| pace.rate).collect());
    let p99 = |paces: &[Pace]| median(paces.iter().map(|pace| pace.p99 / 1_000.0).collect());
    let name = format!("durable commands, PostgreSQL, {callers} callers");
    let bare = "bare group commit";
    let mut figures = vec![
        Figure::new(&*name, rate(&ours), "/s", bare, rate(&group), Goal::RatioAtLeast(of_group)),
        Figure::new(
            &*name,
            rate(&ours),
            "/s",
            "bare INSERTs on 16 connections",
            rate(&single),
            Goal::RatioAtLeast(of_single),
        ),
    ];
    if callers == 64 {
        let name = format!("{name}, p99");
        figures.push(Figure::new(name, p99(&ours), "ms", bare, p99(&group), Goal::AtMost(3.0)));
    }
    Ok(figures)
}

/// Sixteen callers on one aggregate.
fn hot() -> Result<Figure, Box<dyn std::error::Error>> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        bare.push(runtime()?.block_on(fight(16))?.rate);
        ours.push(runtime()?.block_on(execute_on_one(16, whole))?.rate);
    }
    Ok(Figure::new(
        "durable commands, PostgreSQL, 16 callers on one aggregate",
        median(ours),
        "/s",
        "bare load, INSERT and retry on 16 connections",
        median(bare),
        Goal::RatioAtLeast(10.0),
    ))
}

async fn application(
    schema: &Schema,
    layout: Layout,
) -> Result<(App<CommandsOnly>, PostgresStore), Box<dyn std::error::Error>> {
    let store = layout(PostgresStore::builder(&schema.url).schema(&schema.name)).connect().await?;
    // Without the projector: the bare sides have none either.
    Ok((App::new(CommandsOnly).store(store.clone()).start().await?, store))
}

async fn execute(callers: usize, layout: Layout) -> Measured {
    let schema = Schema::make().await?;
    let (app, store) = application(&schema, layout).await?;
    let pace = drive(callers, move |_, timer| {
        let app = app.clone();
        async move {
            let account = AccountId::new();
            let opened = app.execute(OpenAccount { account });
            timer.time(opened).await.expect("an account is opened");
            for _ in 1..PER_AGGREGATE {
                let deposit = app.execute(Deposit { account, amount: 7 });
                timer.time(deposit).await.expect("a deposit succeeds");
            }
        }
    });
    let pace = pace.await;
    store.close().await;
    schema.remove().await?;
    Ok(pace)
}

async fn execute_on_one(callers: usize, layout: Layout) -> Measured {
    let schema = Schema::make().await?;
    let (app, store) = application(&schema, layout).await?;
    let account = AccountId::new();
    app.execute(OpenAccount { account }).await?;
    let pace = drive(callers, move |_, timer| {
        let app = app.clone();
        async move {
            let deposit = app.execute(Deposit { account, amount: 7 });
            timer.time(deposit).await.expect("a deposit succeeds");
        }
    });
    let pace = pace.await;
    store.close().await;
    schema.remove().await?;
    Ok(pace)
}

async fn group_commit(callers: usize) -> Measured {
    let schema = Schema::with_bare_table().await?;
    let writer = GroupCommit::start(&schema).await?;
    let pace = drive(callers, move |_, timer| {
        let writer = writer.clone();
        async move {
            let stream = format!("account-{}", Uuid::now_v7());
            for version in 1..=PER_AGGREGATE {
                timer.time(writer.append(Row::sample(&stream, version))).await;
            }
        }
    });
    let pace = pace.await;
    schema.remove().await?;
    Ok(pace)
}

async fn single_inserts(callers: usize) -> Measured {
    let schema = Schema::with_bare_table().await?;
    let writer = SingleInserts::start(&schema, std::cmp::min(callers, 16)).await?;
    let pace = drive(callers, move |caller, timer| {
        let writer = writer.clone();
        async move {
            let stream = format!("account-{}", Uuid::now_v7());
            for version in 1..=PER_AGGREGATE {
                let won = timer.time(writer.append(caller, Row::sample(&stream, version))).await;
                assert!(won, "nobody else writes to the stream");
            }
        }
    });
    let pace = pace.await;
    schema.remove().await?;
    Ok(pace)
}

/// Everybody loads, decides and inserts, and tries again when somebody was faster.
async fn fight(callers: usize) -> Measured {
    let schema = Schema::with_bare_table().await?;
    let writer = SingleInserts::start(&schema, callers).await?;
    let pace = drive(callers, move |caller, timer| {
        let writer = writer.clone();
        let attempt = async move {
            loop {
                let version = writer.version(caller, "account-hot").await + 1;
                if writer.append(caller, Row::sample("account-hot", version)).await {
                    break;
                }
            }
        };
        async move { timer.time(attempt).await }
    });
    let pace = pace.await;
    schema.remove().await?;
    Ok(pace)
}
