//! What the strategy needs to know of the time before a run: read from the store.
//!
//! Invariant: only prices that the portfolio has followed count, so a run that was killed between
//! recording and following goes on as if it had not been.

use std::collections::VecDeque;

use lucent_core::{
    AggregateId as _, Event as _, Timestamp,
    store::{EventStore, ReadFrom, StreamRead},
};
use rust_decimal::Decimal;

use crate::{
    instrument::{InstrumentEvent, InstrumentId},
    replay::ReplayError,
    strategy::{MovingAverages, Strategy},
};

/// The averages of an instrument as they were at a time.
pub(crate) async fn averages_at(
    events: &dyn EventStore,
    symbol: &InstrumentId,
    strategy: Strategy,
    through: Option<Timestamp>,
) -> Result<MovingAverages, ReplayError> {
    let mut averages = MovingAverages::new(strategy);
    if let Some(through) = through {
        for close in last_closes(events, symbol, strategy.slow() + 1, through).await? {
            averages.observe(close);
        }
    }
    Ok(averages)
}

/// The last closing prices up to a time, oldest first.
async fn last_closes(
    events: &dyn EventStore,
    symbol: &InstrumentId,
    wanted: usize,
    through: Timestamp,
) -> Result<VecDeque<Decimal>, ReplayError> {
    let mut closes = VecDeque::with_capacity(wanted);
    let stream = symbol.stream_id().map_err(lucent_core::LoadError::from)?;
    let mut read = StreamRead::backward(stream);
    while closes.len() < wanted {
        let page = events.read_stream(read.clone()).await?;
        for event in &page.events {
            if let Some(InstrumentEvent::PriceRecorded { bar }) = InstrumentEvent::decode(event)?
                && bar.at <= through
                && closes.len() < wanted
            {
                closes.push_front(bar.close);
            }
        }
        match page.events.last() {
            Some(oldest) if !page.end => read.from = ReadFrom::Before(oldest.version),
            _ => break,
        }
    }
    Ok(closes)
}
