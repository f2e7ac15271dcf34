//! The replay itself: batch by batch, prices are recorded, then followed.
//!
//! Invariants: a batch is followed only after its prices are recorded; what was followed is never
//! followed again; memory does not grow with the number of rows.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lucent_core::{
    AggregateId as _, App, BusinessContext, Position, Timestamp,
    function::{Called, FunctionManager, TENANT},
};

use crate::{
    Registry,
    instrument::{Bar, InstrumentId, RecordPrices},
    portfolio::{FollowQuotes, OpenPortfolio, Portfolio, PortfolioId, Quote},
    prices::{Batches, PriceFile, PriceFileError, Row},
    replay::{ReplayError, RequestedTerms, history::averages_at},
    strategy::{Decided, Market, MovingAverages, Signal, Strategy, decide_signal},
};

/// What to replay, into which portfolio.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The portfolio.
    pub portfolio: PortfolioId,
    /// The terms that the user asked for.
    pub terms: RequestedTerms,
    /// About how many rows are recorded at a time.
    pub batch_rows: usize,
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress<'a> {
    /// Rows of the file that are done, those of earlier runs included.
    pub rows: u64,
    /// Up to when the portfolio has followed the market.
    pub through: Option<Timestamp>,
    /// What the strategy made of the batch that is followed next.
    pub decided: &'a [Quote],
}

/// What a replay did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Replayed {
    /// Rows that were followed now.
    pub rows: u64,
    /// Rows that were followed before, and rows that the file repeats.
    pub skipped: u64,
    /// Commands that were executed now.
    pub commands: u64,
    /// The position of the last event.
    pub position: Position,
}

impl Replay {
    /// Replays a file; `progress` hears about each batch, and nothing goes on until it has returned.
    ///
    /// The strategy is called through `functions`: its edition may change from one price to the next,
    /// and a price of which no edition may or can say anything is followed without a signal.
    ///
    /// # Errors
    /// [`ReplayError`], or what `progress` returned. What was done before the error stays done.
    ///
    /// # Cancel safety
    /// Can be dropped or killed anywhere: the next replay goes on where this one was.
    pub async fn run<E: From<ReplayError>>(
        &self,
        app: &App<Registry>,
        functions: &FunctionManager<Registry>,
        prices: &PriceFile,
        mut progress: impl AsyncFnMut(Progress<'_>) -> Result<(), E>,
    ) -> Result<Replayed, E> {
        let mut run = Run::open(self, app, functions).await?;
        let sessions = prices.sessions().map_err(ReplayError::from)?;
        let mut reader = sessions.batches(self.batch_rows, run.seen);
        let mut under_way = UnderWay::default();
        let mut end = false;
        while !end {
            reader = run.advance(reader, &mut under_way).await?;
            let decided = &under_way.recorded[..];
            end = under_way.read.is_empty() && decided.is_empty();
            let rows = run.done.rows + reader.skipped();
            progress(Progress { rows, through: run.through, decided }).await?;
        }
        run.done.skipped = reader.skipped();
        Ok(run.done)
    }
}

/// The batches between the file and the books.
#[derive(Default)]
struct UnderWay {
    /// Read, and not yet recorded.
    read: Vec<Row>,
    /// Recorded, and not yet followed.
    recorded: Vec<Quote>,
}

/// Reads a batch; an empty one is the end.
fn read_batch(mut batches: Batches) -> (Batches, Result<Vec<Row>, PriceFileError>) {
    let batch = batches.next().transpose();
    (batches, batch.map(Option::unwrap_or_default))
}

/// A replay under way.
struct Run<'a> {
    app: &'a App<Registry>,
    functions: &'a FunctionManager<Registry>,
    /// Who asks the strategy: the portfolio is its tenant.
    context: BusinessContext,
    portfolio: PortfolioId,
    strategy: Strategy,
    averages: HashMap<InstrumentId, MovingAverages>,
    /// Up to when the market was followed before this run.
    seen: Option<Timestamp>,
    /// Up to when it is followed now.
    through: Option<Timestamp>,
    done: Replayed,
}

impl<'a> Run<'a> {
    /// Opens the portfolio, if it is not open.
    async fn open(
        replay: &Replay,
        app: &'a App<Registry>,
        functions: &'a FunctionManager<Registry>,
    ) -> Result<Self, ReplayError> {
        let loaded = app.load::<Portfolio>(&replay.portfolio).await?;
        let mut done = Replayed { position: loaded.position, ..Replayed::default() };
        let strategy = match loaded.state.terms {
            Some(terms) => {
                replay.terms.agree_with(&terms)?;
                terms.strategy
            }
            None => {
                let terms = replay.terms.for_new()?;
                let portfolio = replay.portfolio.clone();
                done.position = app.execute(OpenPortfolio { portfolio, terms }).await?.position;
                done.commands += 1;
                terms.strategy
            }
        };
        Ok(Self {
            app,
            functions,
            context: BusinessContext::default().with(TENANT, replay.portfolio.value().clone()),
            portfolio: replay.portfolio.clone(),
            strategy,
            averages: HashMap::new(),
            seen: loaded.state.through,
            through: loaded.state.through,
            done,
        })
    }

    /// Moves every batch on by one place.
    async fn advance(
        &mut self,
        reader: Batches,
        under_way: &mut UnderWay,
    ) -> Result<Batches, ReplayError> {
        // While one batch is followed, the next is recorded, and the one after that is read.
        let reading = tokio::task::spawn_blocking(move || read_batch(reader));
        let following = self.follow(std::mem::take(&mut under_way.recorded));
        let (next, records, follows) =
            tokio::join!(reading, self.record(&under_way.read), following);
        self.done.commands += records?;
        if let Some(followed) = follows? {
            self.followed(&followed);
        }
        under_way.recorded = self.quotes(std::mem::take(&mut under_way.read)).await?;
        let (reader, batch) = next?;
        under_way.read = batch?;
        Ok(reader)
    }

    /// Records the prices of a batch: one command for each instrument. Gives their number.
    async fn record(&self, batch: &[Row]) -> Result<u64, ReplayError> {
        let mut bars = BTreeMap::<&InstrumentId, Vec<Bar>>::new();
        for row in batch {
            bars.entry(&row.symbol).or_default().push(row.bar.clone());
        }
        let commands = bars
            .into_iter()
            .map(|(instrument, bars)| RecordPrices { instrument: instrument.clone(), bars });
        let app = self.app;
        stream::iter(commands)
            .map(|command| async move {
                let symbol = command.instrument.value().clone();
                let done = app.execute(command).await;
                done.map(|_| 1).map_err(|source| ReplayError::Record { symbol, source })
            })
            .buffer_unordered(COMMANDS_AT_ONCE)
            .try_fold(0, |sum, one| async move { Ok(sum + one) })
            .await
    }

    /// What the strategy makes of a batch.
    async fn quotes(&mut self, batch: Vec<Row>) -> Result<Vec<Quote>, ReplayError> {
        let mut quotes = Vec::with_capacity(batch.len());
        for Row { symbol, bar, .. } in batch {
            if !self.averages.contains_key(&symbol) {
                let events = &**self.app.store();
                let averages = averages_at(events, &symbol, self.strategy, self.seen).await?;
                self.averages.insert(symbol.clone(), averages);
            }
            let averages = self.averages.get_mut(&symbol).expect("it was inserted if missing");
            let trend = averages.observe(bar.close);
            let market = Market { symbol, at: bar.at, volume: bar.volume, trend };
            let (signal, by) = self.ask(&market);
            let Market { symbol, at, .. } = market;
            quotes.push(Quote { symbol, at, price: bar.close, signal, by });
        }
        Ok(quotes)
    }

    /// What the strategy says, and which edition of it; nothing if none may or can say anything.
    fn ask(&self, market: &Market) -> (Signal, Result<Decided, String>) {
        match self.functions.call::<decide_signal>(&self.context, market) {
            Ok(Called { value, ran }) => (value, Ok(ran.into())),
            Err(error) => (Signal::Hold, Err(error.to_string())),
        }
    }

    /// Has the portfolio follow a batch whose prices are recorded.
    async fn follow(&self, quotes: Vec<Quote>) -> Result<Option<Followed>, ReplayError> {
        let Some(last) = quotes.last() else { return Ok(None) };
        let (through, rows) = (last.at, quotes.len() as u64);
        let portfolio = self.portfolio.clone();
        let done = self.app.execute(FollowQuotes { portfolio, quotes }).await?;
        Ok(Some(Followed { through, rows, position: done.position }))
    }

    fn followed(&mut self, followed: &Followed) {
        self.through = Some(followed.through);
        self.done.position = followed.position;
        self.done.rows += followed.rows;
        self.done.commands += 1;
    }
}

/// A batch that was followed.
struct Followed {
    through: Timestamp,
    rows: u64,
    position: Position,
}

/// How many instruments' prices are recorded at the same time.
const COMMANDS_AT_ONCE: usize = 64;
