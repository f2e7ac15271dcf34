//! What appends cost on a ledger in partitions, beside one that is whole.
//!
//! Invariant: both sides do the same on the same server, in turns.

use lucent_postgres::PostgresBuilder;

use crate::{
    Outcome, RUNS,
    postgres::{execute, execute_on_one, whole},
    report::{Figure, Goal, median},
    runtime,
};

/// Partitions that are as large as those of a real ledger.
fn in_parts(builder: PostgresBuilder) -> PostgresBuilder {
    builder.partitioned_by_positions(10_000_000)
}

pub fn run() -> Outcome {
    let mut figures = Vec::new();
    let (mut parts, mut one) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(runtime()?.block_on(execute(1, whole))?.p50);
        parts.push(runtime()?.block_on(execute(1, in_parts))?.p50);
    }
    figures.push(Figure::new(
        "durable command, PostgreSQL in partitions, 1 caller, p50",
        median(parts),
        "µs",
        "a whole table",
        median(one),
        Goal::RatioAtMost(1.3),
    ));
    for callers in [64, 512] {
        let (mut parts, mut one) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            one.push(runtime()?.block_on(execute(callers, whole))?.rate);
            parts.push(runtime()?.block_on(execute(callers, in_parts))?.rate);
        }
        figures.push(rate(format!("{callers} callers"), parts, one));
    }
    let (mut parts, mut one) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        one.push(runtime()?.block_on(execute_on_one(16, whole))?.rate);
        parts.push(runtime()?.block_on(execute_on_one(16, in_parts))?.rate);
    }
    figures.push(rate("16 callers on one aggregate".to_owned(), parts, one));
    Ok(figures)
}

fn rate(who: String, parts: Vec<f64>, one: Vec<f64>) -> Figure {
    Figure::new(
        format!("durable commands, PostgreSQL in partitions, {who}"),
        median(parts),
        "/s",
        "a whole table",
        median(one),
        Goal::RatioAtLeast(0.6),
    )
}
