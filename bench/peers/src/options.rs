//! The command line.
//!
//! Invariant: an unknown word is refused with the words that there are.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::{contenders::ROSTER, workload::WORKLOADS};

/// What is measured, and for how long.
#[derive(Clone, Debug)]
pub struct Options {
    only: Vec<String>,
    workloads: Vec<String>,
    /// How often each contender's commands are measured; the medians count.
    pub rounds: usize,
    /// How long one measurement takes.
    pub time: Duration,
    /// How many events a read model is built from.
    pub events: usize,
    /// How long the building of a read model may take before its rate is taken from what is done.
    pub patience: Duration,
    /// How many connections a contender's pool may hold.
    pub pool: u32,
    /// Whether something was left out or cut short, so that the book must not show it.
    pub partial: bool,
}

impl Options {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self {
            only: Vec::new(),
            workloads: Vec::new(),
            rounds: 3,
            time: Duration::from_secs(2),
            events: 1_000_000,
            patience: Duration::from_secs(15),
            pool: 16,
            partial: false,
        };
        while let Some(word) = words.next() {
            let mut list = |known: Vec<&str>| names(&word, words.next(), &known);
            match word.as_str() {
                "--quick" => {
                    options.rounds = 1;
                    options.time = Duration::from_millis(800);
                    options.events = 50_000;
                    options.patience = Duration::from_secs(3);
                }
                "--only" => options.only = list(ROSTER.iter().map(|entry| entry.name).collect())?,
                "--workload" => {
                    options.workloads = list(WORKLOADS.iter().map(|one| one.name()).collect())?;
                }
                "--pool" => {
                    let size = words.next().unwrap_or_default();
                    options.pool = size.parse().ok().filter(|size| *size > 0).ok_or_else(|| {
                        anyhow::anyhow!("`--pool` takes a number of connections, not `{size}`")
                    })?;
                }
                other => bail!(
                    "`{other}` is none of --quick, --only <names>, --workload <names>, --pool <n>"
                ),
            }
            options.partial = true;
        }
        Ok(options)
    }

    /// Whether this contender takes part.
    pub fn takes(&self, contender: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == contender)
    }

    /// Whether this workload is measured.
    pub fn measures(&self, workload: &str) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|name| name == workload)
    }
}

/// Names of a list with commas, all of them known.
fn names(option: &str, list: Option<String>, known: &[&str]) -> anyhow::Result<Vec<String>> {
    let list = list.unwrap_or_default();
    let names: Vec<_> =
        list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    ensure!(!names.is_empty(), "`{option}` takes names, such as {}", known.join(","));
    for name in &names {
        ensure!(
            known.contains(&name.as_str()),
            "`{option}` knows no `{name}`; there are {}",
            known.join(", ")
        );
    }
    Ok(names)
}
