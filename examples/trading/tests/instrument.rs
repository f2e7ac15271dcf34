//! Recording prices: what is recorded, ignored and refused.

use lucent_core::AggregateId as _;
use lucent_testkit::{given, refused};
use rust_decimal::Decimal;
use trading::instrument::{Bar, InstrumentEvent, InstrumentId, PricesRefused, RecordPrices};

fn bar(day: u8, close: i64) -> Bar {
    Bar {
        at: format!("2026-01-{day:02}T00:00:00Z").parse().unwrap(),
        open: None,
        high: None,
        low: None,
        close: close.into(),
        volume: None,
    }
}

fn recorded(day: u8, close: i64) -> InstrumentEvent {
    InstrumentEvent::PriceRecorded { bar: bar(day, close) }
}

fn record(bars: impl IntoIterator<Item = Bar>) -> RecordPrices {
    RecordPrices {
        instrument: InstrumentId::from_value("AAPL".to_owned()),
        bars: bars.into_iter().collect(),
    }
}

#[test]
fn prices_are_recorded_in_order() {
    given([]).when(record([bar(1, 10), bar(2, 11)])).then([recorded(1, 10), recorded(2, 11)]);
}

#[test]
fn recorded_prices_are_ignored() {
    given([recorded(1, 10), recorded(2, 11)])
        .when(record([bar(1, 10), bar(2, 11), bar(3, 12)]))
        .then([recorded(3, 12)])
        .and_when(record([bar(3, 12)]))
        .then_nothing();
}

#[test]
fn another_price_for_the_last_time_is_refused() {
    given([recorded(2, 11)]).when(record([bar(2, 12)])).then(refused(
        PricesRefused::Contradiction { at: bar(2, 0).at, recorded: 11.into(), price: 12.into() },
    ));
}

#[test]
fn prices_out_of_order_are_refused_together() {
    given([])
        .when(record([bar(2, 11), bar(1, 10)]))
        .then(refused(PricesRefused::OutOfOrder { at: bar(1, 0).at, previous: bar(2, 0).at }));
}

#[test]
fn a_price_of_zero_is_refused() {
    given([])
        .when(record([bar(1, 0)]))
        .then(refused(PricesRefused::NotPositive { at: bar(1, 0).at, price: Decimal::ZERO }));
}
