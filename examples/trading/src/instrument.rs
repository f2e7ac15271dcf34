//! Instruments: what is traded, and the prices that were seen of it.
//!
//! Invariant: the prices of an instrument grow in time; a price that is already recorded is ignored,
//! so recording the same file twice records it once.

use lucent_core::prelude::*;
use rust_decimal::Decimal;

/// The symbol of an instrument, such as `AAPL`.
#[derive(AggregateId)]
pub struct InstrumentId(String);

/// What a market showed of an instrument over some time.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bar {
    /// When.
    pub at: Timestamp,
    /// The first price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Decimal>,
    /// The highest price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Decimal>,
    /// The lowest price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Decimal>,
    /// The last price.
    pub close: Decimal,
    /// How much was traded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Decimal>,
}

/// What happens to an instrument.
#[derive(Clone, Debug, Deserialize, Event, Eq, PartialEq, Serialize)]
pub enum InstrumentEvent {
    /// A price was seen.
    PriceRecorded {
        /// The price and its time.
        bar: Bar,
    },
}

/// An instrument, as far as recording prices needs to know it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, Aggregate)]
#[aggregate(id = InstrumentId, event = InstrumentEvent, snapshot(every = 1000, version = 1))]
pub struct Instrument {
    /// When the last price was seen, and which.
    pub last: Option<(Timestamp, Decimal)>,
}

/// Notes the last price.
#[evolve]
pub fn note_price(instrument: &mut Instrument, event: &InstrumentEvent) {
    match event {
        InstrumentEvent::PriceRecorded { bar } => instrument.last = Some((bar.at, bar.close)),
    }
}

/// Records prices of one instrument, oldest first.
#[derive(Clone, Debug, Deserialize, Serialize, Command)]
#[command(aggregate = Instrument)]
pub struct RecordPrices {
    /// The instrument.
    #[id]
    pub instrument: InstrumentId,
    /// Its prices, each later than the one before.
    pub bars: Vec<Bar>,
}

/// Records the prices that are newer than the last recorded one.
///
/// # Errors
/// [`PricesRefused`]; nothing is recorded then.
#[command_handler]
pub fn record_prices(
    instrument: &Instrument,
    command: &RecordPrices,
) -> Result<Vec<InstrumentEvent>, PricesRefused> {
    let mut previous: Option<Timestamp> = None;
    let mut events = Vec::with_capacity(command.bars.len());
    for bar in &command.bars {
        if bar.close <= Decimal::ZERO {
            return Err(PricesRefused::NotPositive { at: bar.at, price: bar.close });
        }
        if let Some(previous) = previous.filter(|&previous| bar.at <= previous) {
            return Err(PricesRefused::OutOfOrder { at: bar.at, previous });
        }
        previous = Some(bar.at);
        match instrument.last {
            Some((last, recorded)) if bar.at == last && bar.close != recorded => {
                return Err(PricesRefused::Contradiction {
                    at: bar.at,
                    recorded,
                    price: bar.close,
                });
            }
            Some((last, _)) if bar.at <= last => {}
            _ => events.push(InstrumentEvent::PriceRecorded { bar: bar.clone() }),
        }
    }
    Ok(events)
}

/// Why prices were not recorded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PricesRefused {
    /// A price is zero or less.
    #[error("the price {price} at {at} is not positive")]
    NotPositive {
        /// When.
        at: Timestamp,
        /// The price.
        price: Decimal,
    },
    /// The prices are not in the order of time.
    #[error("the price at {at} follows one at {previous}: order them by time")]
    OutOfOrder {
        /// The time of the price.
        at: Timestamp,
        /// The time of the one before it.
        previous: Timestamp,
    },
    /// Another price is recorded for this time.
    #[error("the price at {at} is recorded as {recorded} and was given as {price}")]
    Contradiction {
        /// When.
        at: Timestamp,
        /// The recorded price.
        recorded: Decimal,
        /// The price that was given.
        price: Decimal,
    },
}
