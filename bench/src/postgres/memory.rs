//! How much memory a program takes that builds a read model from a long log.
//!
//! Invariant: each log is read by a process of its own, so that nothing else counts.

use std::{env, fs, process::Command};

use crate::{
    Outcome,
    postgres::{catch_up, seed, server::Schema},
    report::{Figure, Goal},
    runtime,
};

const SHORT: u64 = 1_000_000;
const LONG: u64 = 10_000_000;

/// The first argument of the process that is measured; the schema and the number of events follow.
pub const CHILD: &str = "--build-read-model-of";

pub fn run() -> Outcome {
    let short = peak(SHORT)?;
    let long = peak(LONG)?;
    Ok(vec![Figure::new(
        "peak memory, read model of 10,000,000 events, PostgreSQL",
        long,
        "MiB",
        "the same of 1,000,000 events",
        short,
        Goal::RatioAtMost(1.2),
    )])
}

/// Fills a ledger, and has another process read it.
fn peak(events: u64) -> Result<f64, Box<dyn std::error::Error>> {
    let schema = runtime()?.block_on(async {
        let schema = Schema::make().await?;
        seed::fill(&schema, events, 20).await.map(|()| schema)
    })?;
    let child = Command::new(env::current_exe()?)
        .args([CHILD, &schema.name, &events.to_string()])
        .output()?;
    runtime()?.block_on(schema.remove())?;
    if !child.status.success() {
        return Err(String::from_utf8_lossy(&child.stderr).into_owned().into());
    }
    Ok(String::from_utf8(child.stdout)?.trim().parse()?)
}

/// What the other process does: it prints its peak in MiB.
pub fn child(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [name, events] = arguments else { return Err("a schema and a number are missing".into()) };
    let schema = Schema::of(name)?;
    let rate = runtime()?.block_on(catch_up::project(&schema, events.parse()?))?;
    eprintln!("{rate:.0} events/s");
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kibibytes: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    println!("{}", kibibytes / 1024.0);
    Ok(())
}
