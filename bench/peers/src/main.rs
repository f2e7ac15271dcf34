//! Measures Lucent beside other event stores of Rust: `cargo xtask bench peers [options]`.
//!
//! Invariant: who fails or lacks a feature stays in the table, with the reason.

mod chart;
mod contender;
mod contenders;
mod database;
mod domain;
mod drive;
mod event;
mod figure;
mod goals;
mod measure;
mod options;
mod page;
mod results;
mod run;
mod sightings;
mod workload;

use std::{fs, path::Path};

use options::Options;

lucent_core::registry!();

/// The registry without its projectors, for measuring commands alone.
pub struct CommandsOnly;

impl lucent_core::registry::Registry for CommandsOnly {
    fn groups(&self) -> Vec<&'static [lucent_core::registry::Function]> {
        Vec::new()
    }
}

impl lucent_core::registry::Includes<lucent_registry::Home> for CommandsOnly {}

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let results = run::run(&options)?;
    print!("{}", page::table(&results));
    let figures = goals::judge(&results);
    for figure in &figures {
        println!("{}", figure.line());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let report = root.join("target/bench/report.json");
    figure::append(&figures, &report)?;
    println!("appended to target/bench/report.json");
    let folder = match options.partial {
        true => root.join("target/bench"),
        false => root.join("book/performance"),
    };
    fs::write(folder.join("peers.md"), page::page(&results, &figures, &options))?;
    fs::write(folder.join("peers.svg"), chart::draw(&results))?;
    let shown = if options.partial { "target/bench" } else { "book/performance" };
    println!("written to {shown}/peers.md and {shown}/peers.svg");
    Ok(())
}
