//! The header of a price file: which column holds what.
//!
//! Invariant: `timestamp`, `symbol` and `close` are there, and no known column is there twice.

use crate::prices::{error::Fault, lines::Field};

/// A column that is understood; others are ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Column {
    Timestamp,
    Symbol,
    Open,
    High,
    Low,
    Close,
    Volume,
}

/// The place of each known column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    places: [Option<usize>; 7],
    /// How many columns there are, known or not.
    pub(crate) width: usize,
}

impl Column {
    const ALL: [Self; 7] = [
        Self::Timestamp,
        Self::Symbol,
        Self::Open,
        Self::High,
        Self::Low,
        Self::Close,
        Self::Volume,
    ];

    /// The name in the header.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Symbol => "symbol",
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
        }
    }

    const fn is_required(self) -> bool {
        matches!(self, Self::Timestamp | Self::Symbol | Self::Close)
    }
}

impl Header {
    /// Understands a header. Names are compared without regard to case.
    pub(crate) fn parse(fields: &[Field]) -> Result<Self, Fault> {
        let mut places = [None; 7];
        for (index, field) in fields.iter().enumerate() {
            let known = Column::ALL.iter().find(|column| is_named(field, **column));
            if let Some(&column) = known
                && places[column as usize].replace(index).is_some()
            {
                let reason = format!("the column `{}` occurs twice", column.name());
                return Err(Fault::new(field.offset, reason));
            }
        }
        let header = Self { places, width: fields.len() };
        for column in Column::ALL {
            if column.is_required() && header.place(column).is_none() {
                let reason = format!(
                    "the header has no column `{}`: expected timestamp,symbol,open,high,low,close,volume, of which timestamp, symbol and close are required",
                    column.name()
                );
                return Err(Fault::new(0, reason));
            }
        }
        Ok(header)
    }

    /// Where a column stands.
    pub(crate) const fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }
}

fn is_named(field: &Field, column: Column) -> bool {
    field.text.eq_ignore_ascii_case(column.name())
}
