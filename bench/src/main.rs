//! Measures Lucent beside bare limits: `cargo xtask bench [filter]`.
//!
//! Both sides of each figure run in the same process, one after the other, five times;
//! the medians are printed and written to `target/bench/report.json`.

mod bare;
mod catch_up;
mod commands;
mod domain;
mod functions;
mod loading;
mod mesh;
mod overhead;
mod postgres;
mod report;
mod scanner;
mod seed;

use std::path::Path;

use report::Figure;

lucent_core::registry!();

/// The registry without its projectors, for measuring commands alone.
pub struct CommandsOnly;

impl lucent_core::registry::Registry for CommandsOnly {
    fn groups(&self) -> Vec<&'static [lucent_core::registry::Function]> {
        Vec::new()
    }
}

impl lucent_core::registry::Includes<lucent_registry::Home> for CommandsOnly {}

/// How often each side runs.
const RUNS: usize = 5;

type Outcome = Result<Vec<Figure>, Box<dyn std::error::Error>>;

/// A bench and its name.
type Bench = (&'static str, fn() -> Outcome);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((postgres::memory::CHILD, rest)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return postgres::memory::child(rest);
    }
    let filter = arguments.first().cloned().unwrap_or_default();
    let benches: [Bench; 12] = [
        ("commands", commands::run),
        ("postgres", postgres::run),
        ("postgres-seen", postgres::seen::run),
        ("postgres-projector", postgres::catch_up::run),
        ("postgres-memory", postgres::memory::run),
        ("postgres-partitioned", postgres::partitioned::run),
        ("catch-up", catch_up::run),
        ("overhead", overhead::run),
        ("loading", loading::run),
        ("scanner", scanner::run),
        ("functions", functions::run),
        ("mesh", mesh::run),
    ];
    let mut figures = Vec::new();
    for (name, bench) in benches.iter().filter(|(name, _)| name.contains(&filter)) {
        eprintln!("measuring {name} …");
        for figure in bench()? {
            println!("{}", figure.line());
            figures.push(figure);
        }
    }
    if figures.is_empty() {
        let names: Vec<_> = benches.iter().map(|(name, _)| *name).collect();
        return Err(
            format!("no bench is named like `{filter}`; there are {}", names.join(", ")).into()
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/report.json");
    report::write(&figures, &path)?;
    println!("written to target/bench/report.json");
    if filter.is_empty() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/performance/results.md");
        let server = runtime()?.block_on(postgres::describe())?;
        report::write_page(&figures, &server, &page)?;
        println!("written to book/performance/results.md");
    }
    Ok(())
}

/// A runtime with a thread per core.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
