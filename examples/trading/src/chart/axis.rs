//! Where the marks of an axis stand.
//!
//! Invariant: marks are round: 1, 2 or 5 times a power of ten, or the beginnings of years, months
//! and days.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, date},
    tz::TimeZone,
};

/// Round values that cover a range, `about` of them.
pub(crate) fn round_values(low: f64, high: f64, about: f64) -> Vec<f64> {
    let step = round_step((high - low) / about);
    let first = (low / step).floor();
    let last = (high / step).ceil();
    let mut values = Vec::new();
    let mut index = first;
    while index <= last && values.len() < 50 {
        values.push(index * step);
        index += 1.0;
    }
    values
}

fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| raw <= factor * power);
    factor.unwrap_or(10.0) * power
}

/// A mark on the axis of time: when, in microseconds, and its label.
pub(crate) type TimeMark = (i64, String);

/// Beginnings of years, months or days within a range, at most about ten of them.
pub(crate) fn time_marks(first: i64, last: i64) -> Vec<TimeMark> {
    let (Some(start), Some(end)) = (day_of(first), day_of(last)) else { return Vec::new() };
    let days = (last - first) / MICROS_PER_DAY;
    let years = days / 365;
    let (step, format, begin) = if years >= 3 {
        let step = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter().find(|step| years / step <= 10);
        let step = i16::try_from(step.unwrap_or(1_000)).unwrap_or(i16::MAX);
        (i32::from(step).years(), "%Y", date(start.year() - start.year().rem_euclid(step), 1, 1))
    } else if days >= 60 {
        let step = if days > 450 { 3 } else { 1 };
        (step.months(), "%b %Y", date(start.year(), 1, 1))
    } else {
        ((days / 8 + 1).days(), "%-d %b", start)
    };
    let mut marks = Vec::new();
    let mut day = begin;
    while day <= end {
        if let Some(at) = micros_of(day).filter(|&at| at >= first && at <= last) {
            marks.push((at, day.strftime(format).to_string()));
        }
        match day.checked_add(step) {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    // Days are few, months may be crowded.
    let every = marks.len() / 12 + 1;
    marks.into_iter().step_by(every).collect()
}

/// The date of a time, in UTC.
pub(crate) fn day_of(micros: i64) -> Option<Date> {
    let time = Timestamp::from_microsecond(micros).ok()?;
    Some(TimeZone::UTC.to_datetime(time).date())
}

fn micros_of(day: Date) -> Option<i64> {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    Some(TimeZone::UTC.to_timestamp(midnight).ok()?.as_microsecond())
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(first: Date, last: Date) -> Vec<String> {
        let marks = time_marks(micros_of(first).unwrap(), micros_of(last).unwrap());
        marks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn values_are_round_and_cover_the_range() {
        assert_eq!(
            round_values(98.0, 143.0, 5.0),
            [90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]
        );
    }

    #[test]
    fn long_spans_are_marked_by_years_and_short_ones_by_days() {
        let years = labels(date(2000, 1, 1), date(2010, 3, 1));
        assert_eq!((years.len(), years[0].as_str()), (11, "2000"));
        let months = labels(date(2020, 1, 15), date(2020, 6, 1));
        assert_eq!(months, ["Feb 2020", "Mar 2020", "Apr 2020", "May 2020", "Jun 2020"]);
        assert_eq!(labels(date(2020, 1, 1), date(2020, 1, 3)), ["1 Jan", "2 Jan", "3 Jan"]);
        assert!(labels(date(2000, 1, 1), date(4738, 1, 1)).len() <= 12);
    }
}
