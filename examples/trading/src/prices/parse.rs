//! From the fields of a line to a row.
//!
//! Invariant: a row that is given out can be recorded: its price is in range and its symbol can
//! name a stream.

use jiff::{civil::DateTime, tz::TimeZone};
use lucent_core::{AggregateId as _, Timestamp};
use rust_decimal::Decimal;

use crate::{
    instrument::{Bar, InstrumentId},
    money,
    prices::{
        error::Fault,
        header::{Column, Header},
        lines::Field,
        row::Row,
    },
};

/// The most characters of a symbol.
const LONGEST_SYMBOL: usize = 64;

/// Understands a line.
pub(crate) fn parse_row(header: &Header, fields: &[Field], line: u64) -> Result<Row, Fault> {
    if fields.len() != header.width {
        let place = fields.get(header.width).or_else(|| fields.last());
        let reason =
            format!("the row has {} fields and the header has {}", fields.len(), header.width);
        return Err(Fault::new(place.map_or(0, |field| field.offset), reason));
    }
    let field = |column| header.place(column).map(|place| &fields[place]);
    let required = |column| match field(column) {
        Some(field) if !field.text.is_empty() => Ok(field),
        Some(field) => Err(fault(field, column, "is empty")),
        None => Err(Fault::new(0, format!("{}: is missing", column.name()))),
    };
    let optional = |column| match field(column) {
        Some(field) if !field.text.is_empty() => Some(field),
        _ => None,
    };
    let at = timestamp(required(Column::Timestamp)?)?;
    let symbol = symbol(required(Column::Symbol)?)?;
    let close = price(required(Column::Close)?, Column::Close)?;
    let price_of = |column| optional(column).map(|field| price(field, column)).transpose();
    let bar = Bar {
        at,
        open: price_of(Column::Open)?,
        high: price_of(Column::High)?,
        low: price_of(Column::Low)?,
        close,
        volume: optional(Column::Volume).map(volume).transpose()?,
    };
    if let (Some(high), Some(low), Some(field)) = (bar.high, bar.low, field(Column::High))
        && high < low
    {
        let what = format!("{high} is below the low of {low}");
        return Err(fault(field, Column::High, &what));
    }
    Ok(Row { line, symbol, bar })
}

fn timestamp(field: &Field) -> Result<Timestamp, Fault> {
    let text = &field.text;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    // A date, or a date and a time, without an offset: UTC.
    match text.parse::<DateTime>().map(|time| TimeZone::UTC.to_timestamp(time)) {
        Ok(Ok(time)) => Ok(Timestamp::from_micros(time.as_microsecond())),
        _ => {
            let what = format!(
                "`{}` is not a time such as `2026-01-05T10:00:00Z` or a date such as `2026-01-05`",
                shortened(text)
            );
            Err(fault(field, Column::Timestamp, &what))
        }
    }
}

fn symbol(field: &Field) -> Result<InstrumentId, Fault> {
    let text = &field.text;
    if text.chars().count() > LONGEST_SYMBOL {
        let what = format!("`{}` is longer than {LONGEST_SYMBOL} characters", shortened(text));
        return Err(fault(field, Column::Symbol, &what));
    }
    if text.chars().any(char::is_control) {
        return Err(fault(field, Column::Symbol, "holds a control character"));
    }
    Ok(InstrumentId::from_value(text.clone()))
}

fn price(field: &Field, column: Column) -> Result<Decimal, Fault> {
    let price = decimal(field, column)?.round_dp(money::PRICE_SCALE);
    if price <= Decimal::ZERO {
        let what = format!("the price `{}` is not more than 0", shortened(&field.text));
        return Err(fault(field, column, &what));
    }
    if price > money::HIGHEST_PRICE {
        let what =
            format!("the price `{}` is more than {}", shortened(&field.text), money::HIGHEST_PRICE);
        return Err(fault(field, column, &what));
    }
    Ok(price)
}

fn volume(field: &Field) -> Result<Decimal, Fault> {
    let volume = decimal(field, Column::Volume)?;
    if volume.is_sign_negative() && !volume.is_zero() {
        let what = format!("the volume `{}` is negative", shortened(&field.text));
        return Err(fault(field, Column::Volume, &what));
    }
    Ok(volume)
}

fn decimal(field: &Field, column: Column) -> Result<Decimal, Fault> {
    let text = &field.text;
    let parsed = match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text),
        false => text.parse(),
    };
    // Underscores are for Rust's literals.
    match parsed {
        Ok(number) if !text.contains('_') => Ok(number),
        _ => Err(fault(field, column, &format!("`{}` is not a number", shortened(text)))),
    }
}

fn fault(field: &Field, column: Column, what: &str) -> Fault {
    Fault::new(field.offset, format!("{}: {what}", column.name()))
}

/// The beginning of a text, for messages.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
