//! What a report says.
//!
//! Invariant: its numbers are exact, so that anyone can check the books: equity is cash plus the
//! sum of quantity times last price, and initial cash plus realized plus unrealized minus fees.

use std::{path::PathBuf, time::Duration};

use lucent_core::{AggregateId as _, App, Timestamp, store::EventStore};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    Registry,
    instrument::InstrumentId,
    portfolio::{BooksOf, Holding, Portfolio, PortfolioId},
    replay::{ReplayError, Replayed},
};

/// A report. As JSON, decimals are strings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Rows of the price file.
    pub rows: u64,
    /// Rows that were not replayed now: followed by an earlier run, or exact repeats.
    pub rows_skipped: u64,
    /// Events in the store.
    pub events: u64,
    /// Commands of this run.
    pub commands: u64,
    /// Trades so far.
    pub trades: u64,
    /// Orders that were rejected so far.
    pub rejected_orders: u64,
    /// Fees paid so far.
    pub fees: Decimal,
    /// Cash at the start.
    pub initial_cash: Decimal,
    /// Cash now.
    pub cash: Decimal,
    /// Cash and holdings at their last prices.
    pub equity: Decimal,
    /// Profit or loss of what was sold, without fees.
    pub realized_pnl: Decimal,
    /// Profit or loss of what is held, without fees.
    pub unrealized_pnl: Decimal,
    /// Fee in hundredths of a percent.
    pub fee_bps: u32,
    /// The fast window of the strategy.
    pub fast: usize,
    /// The slow window of the strategy.
    pub slow: usize,
    /// Up to when the market was followed.
    pub through: Option<Timestamp>,
    /// How long the replay took.
    pub seconds: f64,
    /// Commands in a second.
    pub commands_per_second: f64,
    /// Rows in a second.
    pub rows_per_second: f64,
    /// The most memory that the process used, where the system tells.
    pub peak_memory_kib: Option<u64>,
    /// Every instrument, by symbol.
    pub symbols: Vec<SymbolReport>,
    /// Where the chart was written.
    pub chart: Option<PathBuf>,
    /// Where the store is kept.
    pub store: Option<PathBuf>,
}

/// One instrument in a report.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SymbolReport {
    /// The symbol.
    pub symbol: String,
    /// How much is held.
    pub quantity: Decimal,
    /// What one was bought for, on average.
    pub average_cost: Decimal,
    /// The last price that was seen.
    pub last_price: Decimal,
    /// Profit or loss of what was sold, without fees.
    pub realized_pnl: Decimal,
    /// Profit or loss of what is held, without fees.
    pub unrealized_pnl: Decimal,
    /// How many trades were made.
    pub trades: u64,
}

/// What a report needs to know beside the books.
#[derive(Clone, Debug)]
pub struct ReportFacts {
    /// The portfolio.
    pub portfolio: PortfolioId,
    /// Rows of the price file.
    pub rows: u64,
    /// What the replay did.
    pub replayed: Replayed,
    /// How long it took.
    pub elapsed: Duration,
    /// Where the store is kept.
    pub store: Option<PathBuf>,
}

impl Report {
    /// Asks the application for the books, as they are after the replay.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn make(app: &App<Registry>, facts: ReportFacts) -> Result<Self, ReplayError> {
        let question = BooksOf { portfolio: facts.portfolio.clone() };
        let question = app.query(question).after(facts.replayed.position).within(PATIENCE);
        let books = question.await?.unwrap_or_default();
        let events = count_events(&**app.store(), &facts.portfolio, &books).await?;
        Ok(Self::from_books(&books, facts, events))
    }

    fn from_books(books: &Portfolio, facts: ReportFacts, events: u64) -> Self {
        let strategy = books.terms.map(|terms| terms.strategy);
        let seconds = facts.elapsed.as_secs_f64();
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        Self {
            rows: facts.rows,
            rows_skipped: facts.replayed.skipped,
            events,
            commands: facts.replayed.commands,
            trades: books.trades,
            rejected_orders: books.rejected,
            fees: books.fees.normalize(),
            initial_cash: books.terms.map(|terms| terms.initial_cash).unwrap_or_default(),
            cash: books.cash.normalize(),
            equity: books.equity().normalize(),
            realized_pnl: books.realized().normalize(),
            unrealized_pnl: books.unrealized().normalize(),
            fee_bps: books.terms.map(|terms| terms.fee_bps).unwrap_or_default(),
            fast: strategy.map(|strategy| strategy.fast()).unwrap_or_default(),
            slow: strategy.map(|strategy| strategy.slow()).unwrap_or_default(),
            through: books.through,
            seconds,
            commands_per_second: per_second(facts.replayed.commands),
            rows_per_second: per_second(facts.replayed.rows),
            peak_memory_kib: peak_memory_kib(),
            symbols: books.holdings.iter().map(symbol_report).collect(),
            chart: None,
            store: facts.store,
        }
    }
}

fn symbol_report((symbol, holding): (&InstrumentId, &Holding)) -> SymbolReport {
    SymbolReport {
        symbol: symbol.value().clone(),
        quantity: holding.quantity.normalize(),
        average_cost: holding.average_cost().normalize(),
        last_price: holding.last_price.normalize(),
        realized_pnl: holding.realized.normalize(),
        unrealized_pnl: holding.unrealized().normalize(),
        trades: holding.trades,
    }
}

/// The most memory that this process used so far, as Linux tells it.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// How many events the streams of a portfolio and of its instruments hold.
async fn count_events(
    store: &dyn EventStore,
    portfolio: &PortfolioId,
    books: &Portfolio,
) -> Result<u64, ReplayError> {
    let invalid = lucent_core::LoadError::from;
    let stream = portfolio.stream_id().map_err(invalid)?;
    let mut count = store.stream_version(&stream).await?.get();
    for symbol in books.holdings.keys() {
        let stream = symbol.stream_id().map_err(invalid)?;
        count += store.stream_version(&stream).await?.get();
    }
    Ok(count)
}

/// How long the read models may take to catch up.
const PATIENCE: Duration = Duration::from_secs(60);
