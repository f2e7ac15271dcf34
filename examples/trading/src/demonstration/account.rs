//! What is on record, decided again.
//!
//! Invariant: a trade is decided again from the recorded prices and by the recorded edition alone.

use std::collections::{BTreeMap, HashMap};

use lucent_core::{
    AggregateId as _, BusinessContext, Event, RecordedEvent, StreamId, Timestamp,
    function::{CallContext, EditionId, FunctionManager},
    store::{EventStore, StreamRead},
};

use crate::{
    Registry,
    demonstration::DemonstrationError,
    instrument::{InstrumentEvent, InstrumentId},
    portfolio::{PortfolioEvent, PortfolioId, Side},
    strategy::{Market, MovingAverages, Signal, Strategy, decide_signal},
};

/// Decides every trade of a portfolio again; gives how many came out the same, by edition.
pub(super) async fn decide_again(
    store: &dyn EventStore,
    functions: &FunctionManager<Registry>,
    context: &BusinessContext,
    portfolio: &PortfolioId,
) -> Result<BTreeMap<EditionId, u64>, DemonstrationError> {
    let mut counts = BTreeMap::new();
    let mut markets = Markets { store, strategy: None, known: HashMap::new() };
    let stream = portfolio.stream_id()?;
    for event in read_all(store, &stream).await? {
        match PortfolioEvent::decode(&event)? {
            Some(PortfolioEvent::PortfolioOpened { terms }) => {
                markets.strategy = Some(terms.strategy);
            }
            Some(PortfolioEvent::TradeExecuted { symbol, side, at, by: Some(by), .. }) => {
                let market = markets.of(&symbol, at).await?;
                let repeated = CallContext::from(context).repeating(by.edition.clone());
                let again = market
                    .and_then(|market| functions.call::<decide_signal>(repeated, market).ok());
                let wanted = match side {
                    Side::Buy => Signal::Buy,
                    Side::Sell => Signal::Sell,
                };
                if again.is_none_or(|again| again.value != wanted) {
                    let symbol = symbol.value().clone();
                    return Err(DemonstrationError::Otherwise { stream, symbol, at });
                }
                *counts.entry(by.edition).or_default() += 1;
            }
            _ => {}
        }
    }
    Ok(counts)
}

/// What the strategy saw, from the recorded prices.
struct Markets<'a> {
    store: &'a dyn EventStore,
    strategy: Option<Strategy>,
    known: HashMap<InstrumentId, HashMap<Timestamp, Market>>,
}

impl Markets<'_> {
    async fn of(
        &mut self,
        symbol: &InstrumentId,
        at: Timestamp,
    ) -> Result<Option<&Market>, DemonstrationError> {
        let Some(strategy) = self.strategy else { return Ok(None) };
        if !self.known.contains_key(symbol) {
            let mut averages = MovingAverages::new(strategy);
            let mut seen = HashMap::new();
            for event in read_all(self.store, &symbol.stream_id()?).await? {
                let decoded = InstrumentEvent::decode(&event)?;
                if let Some(InstrumentEvent::PriceRecorded { bar }) = decoded {
                    let trend = averages.observe(bar.close);
                    let (symbol, volume) = (symbol.clone(), bar.volume);
                    seen.insert(bar.at, Market { symbol, at: bar.at, volume, trend });
                }
            }
            self.known.insert(symbol.clone(), seen);
        }
        Ok(self.known.get(symbol).and_then(|seen| seen.get(&at)))
    }
}

async fn read_all(
    store: &dyn EventStore,
    stream: &StreamId,
) -> Result<Vec<RecordedEvent>, DemonstrationError> {
    let mut all: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = all.last().map(|event| event.version).unwrap_or_default();
        let page = store.read_stream(StreamRead::after(stream.clone(), after)).await?;
        all.extend(page.events);
        if page.end {
            return Ok(all);
        }
    }
}

/// A result as the log holds it, for people.
pub(super) fn said(result: Result<serde_json::Value, String>) -> String {
    match result {
        Ok(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        Err(error) => error,
    }
}
