//! What is asked about a portfolio.
//!
//! Invariant: a curve is bounded, however long the history.

use lucent_core::prelude::*;

use crate::portfolio::{DayValue, Portfolio, PortfolioEvent, PortfolioId};

/// Asks for the books of a portfolio; there are none before it was opened.
#[derive(Clone, Debug, Deserialize, Serialize, Query)]
pub struct BooksOf {
    /// The portfolio.
    pub portfolio: PortfolioId,
}

/// Reads the books.
///
/// # Errors
/// When the read model cannot be read.
#[query_handler]
pub async fn books_of(
    query: BooksOf,
    portfolios: &View<Portfolio>,
) -> Result<Option<Portfolio>, ReadError> {
    portfolios.get(query.portfolio).await
}

/// What a portfolio was worth, day by day; every second day is dropped whenever there are too many.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ReadModel)]
pub struct EquityCurve {
    points: Vec<DayValue>,
    latest: Option<DayValue>,
    days: usize,
    stride: usize,
}

impl EquityCurve {
    /// The points of the curve, oldest first; the last day is always the last point.
    pub fn points(&self) -> impl Iterator<Item = DayValue> {
        self.points.iter().copied().chain(self.latest)
    }

    /// Moves on to a value: of the last day again, or of a new day.
    pub fn add(&mut self, value: DayValue) {
        if let Some(previous) = self.latest.replace(value)
            && previous.day() != value.day()
        {
            if self.days.is_multiple_of(self.stride) {
                self.points.push(previous);
            }
            self.days += 1;
            if self.points.len() >= MOST_POINTS {
                self.stride *= 2;
                let mut index = 0;
                self.points.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
            }
        }
    }
}

impl Default for EquityCurve {
    fn default() -> Self {
        Self { points: Vec::new(), latest: None, days: 0, stride: 1 }
    }
}

/// Draws the curve of each portfolio.
#[projector(name = "equity_curve", version = 1)]
pub fn equity_curve(curve: &mut EquityCurve, event: &PortfolioEvent) {
    if let PortfolioEvent::QuotesFollowed { values, .. } = event {
        for value in values {
            curve.add(*value);
        }
    }
}

/// Asks what a portfolio was worth over time.
#[derive(Clone, Debug, Deserialize, Serialize, Query)]
pub struct ValueOverTime {
    /// The portfolio.
    pub portfolio: PortfolioId,
}

/// Reads the curve; it is empty before the first quote.
///
/// # Errors
/// When the read model cannot be read.
#[query_handler]
pub async fn value_over_time(
    query: ValueOverTime,
    curves: &View<EquityCurve>,
) -> Result<EquityCurve, ReadError> {
    Ok(curves.get(query.portfolio).await?.unwrap_or_default())
}

/// A curve has fewer points than this.
const MOST_POINTS: usize = 2_000;

#[cfg(test)]
mod tests {
    use lucent_core::Timestamp;
    use rust_decimal::Decimal;

    use super::*;

    fn at_day(day: i64, value: i64) -> DayValue {
        DayValue {
            at: Timestamp::from_micros(day * 86_400_000_000 + value),
            value: Decimal::from(value),
        }
    }

    #[test]
    fn the_last_value_of_a_day_counts() {
        let mut curve = EquityCurve::default();
        for (day, value) in [(1, 10), (1, 11), (2, 12), (2, 13), (3, 14)] {
            curve.add(at_day(day, value));
        }
        let values: Vec<_> = curve.points().map(|point| point.value).collect();
        assert_eq!(values, [11, 13, 14].map(Decimal::from));
    }

    #[test]
    fn a_long_curve_stays_short_even_and_ends_at_the_last_day() {
        let mut curve = EquityCurve::default();
        for day in 0..100_000 {
            curve.add(at_day(day, 1));
        }
        let days: Vec<_> = curve.points().map(|point| point.day()).collect();
        assert!(days.len() > MOST_POINTS / 2 - 1 && days.len() <= MOST_POINTS);
        assert_eq!((days[0], *days.last().unwrap()), (0, 99_999));
        let step = days[1];
        assert!(days[..days.len() - 1].windows(2).all(|two| two[1] - two[0] == step));
    }
}
