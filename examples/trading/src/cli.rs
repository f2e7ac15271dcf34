//! The options of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use rust_decimal::Decimal;
use trading::{money, replay::RequestedTerms};

/// Replays prices through a moving-average strategy, orders and a portfolio, and prints the books.
///
/// Each price becomes an event. A run on a kept store goes on where the one before ended, also if
/// it was killed; rows up to the time that the store has followed are skipped.
#[derive(Clone, Debug, Parser)]
#[command(name = "trading", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,

    /// A CSV file with the columns timestamp, symbol and close, and perhaps open, high, low and
    /// volume, in any order; without it, the bundled monthly prices are replayed.
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,

    /// Keeps the store in this file; without it, a temporary store is used.
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,

    /// Prints the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// Where the chart goes; beside the store by default, or in `target/trading`.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) chart: Option<PathBuf>,

    /// Over how many prices the fast average goes [default: 3].
    #[arg(long, value_name = "N")]
    fast: Option<usize>,

    /// Over how many prices the slow average goes [default: 10].
    #[arg(long, value_name = "N")]
    slow: Option<usize>,

    /// Cash at the start [default: 100000].
    #[arg(long, value_name = "AMOUNT", value_parser = cash, allow_negative_numbers = true)]
    cash: Option<Decimal>,

    /// Fee of a trade in hundredths of a percent [default: 10].
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(0..=5_000))]
    fee_bps: Option<u32>,

    /// About how many rows are recorded at a time.
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = batch_rows)]
    pub(crate) batch: usize,

    /// Prints a line on standard error for each batch.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// What else there is to do.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Task {
    /// Switches the strategy while the bundled prices are replayed, and tells what each call got and
    /// why.
    Demonstrate,
}

impl Options {
    /// What is asked of the portfolio.
    pub(crate) fn terms(&self) -> RequestedTerms {
        RequestedTerms { cash: self.cash, fee_bps: self.fee_bps, fast: self.fast, slow: self.slow }
    }
}

fn cash(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(cash) if cash > Decimal::ZERO && cash <= money::LARGEST_CASH => Ok(cash),
        Ok(_) => Err(format!("it is more than 0 and at most {}", money::LARGEST_CASH)),
        Err(error) => Err(error.to_string()),
    }
}

fn batch_rows(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(rows) if (1..=LARGEST_BATCH).contains(&rows) => Ok(rows),
        _ => Err(format!("it is a number from 1 to {LARGEST_BATCH}")),
    }
}

/// The most rows of a batch: they are in memory at once.
const LARGEST_BATCH: usize = 100_000;
