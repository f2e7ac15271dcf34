//! Drawing the value of a portfolio over time.
//!
//! Invariant: the drawing depends on its points and caption alone.

use std::fmt::{self, Write as _};

use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use crate::{
    chart::axis::{day_of, round_values, time_marks},
    portfolio::DayValue,
};

/// What stands over a chart.
#[derive(Clone, Debug)]
pub struct Caption {
    /// The first line.
    pub title: String,
    /// The second line, smaller.
    pub subtitle: String,
    /// The value that the portfolio started with: a dashed line.
    pub start: Decimal,
}

/// Draws the curve as an SVG document.
#[must_use]
pub fn draw_value(points: &[DayValue], caption: &Caption) -> String {
    let mut svg = String::new();
    let scale = Scale::of(points, caption);
    // Writing into a `String` does not fail.
    let drawn = write_svg(&mut svg, points, caption, &scale);
    drawn.expect("a string takes what is written to it");
    svg
}

/// From times and values to places in the picture.
struct Scale {
    first: i64,
    last: i64,
    marks: Vec<f64>,
}

impl Scale {
    fn of(points: &[DayValue], caption: &Caption) -> Self {
        let first = points.first().map_or(0, |point| point.at.as_micros());
        let last = points.last().map_or(0, |point| point.at.as_micros());
        let start = number(caption.start);
        let (low, high) = points.iter().fold((start, start), |(low, high), point| {
            let value = number(point.value);
            (low.min(value), high.max(value))
        });
        let room = if high > low { 0.0 } else { high.abs().max(1.0) * 0.05 };
        // One point stands in the middle of a day.
        let (first, last) = if last > first { (first, last) } else { (first - DAY, last + DAY) };
        Self { first, last, marks: round_values(low - room, high + room, 6.0) }
    }

    fn x(&self, at: i64) -> f64 {
        let part = (at - self.first) as f64 / (self.last - self.first) as f64;
        LEFT + part * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        let low = self.marks.first().copied().unwrap_or(0.0);
        let high = self.marks.last().copied().unwrap_or(1.0);
        BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)
    }
}

fn write_svg(
    svg: &mut String,
    points: &[DayValue],
    caption: &Caption,
    scale: &Scale,
) -> fmt::Result {
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#475569">
<title>{}</title>
<defs><linearGradient id="area" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2563eb" stop-opacity="0.28"/><stop offset="1" stop-color="#2563eb" stop-opacity="0.02"/></linearGradient></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="34" font-size="20" font-weight="600" fill="#0f172a">{}</text>
<text x="{LEFT}" y="56">{}</text>"##,
        Escaped(&caption.title),
        Escaped(&caption.title),
        Escaped(&caption.subtitle)
    )?;
    write_value_axis(svg, scale)?;
    write_time_axis(svg, scale)?;
    write_start(svg, caption, scale)?;
    write_curve(svg, points, scale)?;
    svg.push_str("</svg>\n");
    Ok(())
}

fn write_value_axis(svg: &mut String, scale: &Scale) -> fmt::Result {
    let step = scale.marks.windows(2).next().map_or(1.0, |two| two[1] - two[0]);
    for &value in &scale.marks {
        let y = scale.y(value);
        writeln!(
            svg,
            r##"<line x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}" stroke="#e2e8f0"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
            LEFT - 10.0,
            y + 4.5,
            value_label(value, step)
        )?;
    }
    Ok(())
}

fn write_time_axis(svg: &mut String, scale: &Scale) -> fmt::Result {
    writeln!(
        svg,
        r##"<line x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}" stroke="#94a3b8"/>"##
    )?;
    for (at, label) in time_marks(scale.first, scale.last) {
        let x = scale.x(at);
        writeln!(
            svg,
            r##"<line x1="{x:.1}" y1="{BOTTOM}" x2="{x:.1}" y2="{:.1}" stroke="#94a3b8"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"##,
            BOTTOM + 6.0,
            BOTTOM + 23.0
        )?;
    }
    Ok(())
}

fn write_start(svg: &mut String, caption: &Caption, scale: &Scale) -> fmt::Result {
    let y = scale.y(number(caption.start));
    writeln!(
        svg,
        r##"<line x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}" stroke="#64748b" stroke-dasharray="5 5"/><text x="{:.1}" y="{:.1}" font-size="12">start</text>"##,
        RIGHT + 8.0,
        y + 4.0
    )
}

fn write_curve(svg: &mut String, points: &[DayValue], scale: &Scale) -> fmt::Result {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
    let mut line = String::new();
    for point in points {
        let letter = if line.is_empty() { 'M' } else { 'L' };
        let (x, y) = (scale.x(point.at.as_micros()), scale.y(number(point.value)));
        write!(line, "{letter}{x:.1} {y:.1}")?;
    }
    let (from, to) = (scale.x(first.at.as_micros()), scale.x(last.at.as_micros()));
    let end = scale.y(number(last.value));
    let label = value_label(number(last.value).round(), 1.0);
    let day = day_of(last.at.as_micros()).map(|day| day.to_string()).unwrap_or_default();
    writeln!(
        svg,
        r##"<path d="{line}L{to:.1} {BOTTOM}L{from:.1} {BOTTOM}Z" fill="url(#area)"/>
<path d="{line}" fill="none" stroke="#2563eb" stroke-width="2" stroke-linejoin="round"/>
<circle cx="{to:.1}" cy="{end:.1}" r="4" fill="#2563eb"/><text x="{RIGHT}" y="34" text-anchor="end" font-size="20" font-weight="600" fill="#2563eb">{label}</text>
<text x="{RIGHT}" y="56" text-anchor="end">{day}</text>"##
    )
}

/// A value with thousands separated, and with decimals only where the marks need them.
fn value_label(value: f64, step: f64) -> String {
    let decimals = if step >= 1.0 { 0 } else { 2 };
    let decimal = Decimal::from_f64_retain(value).unwrap_or_default();
    crate::report::number_label(decimal, decimals)
}

/// Money becomes a number with a floating point only here, to be drawn.
fn number(value: Decimal) -> f64 {
    value.to_f64().unwrap_or_default()
}

/// A text inside of XML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 500.0;
const LEFT: f64 = 88.0;
const RIGHT: f64 = 944.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 452.0;
const DAY: i64 = 43_200_000_000;

#[cfg(test)]
mod tests {
    use lucent_core::Timestamp;

    use super::*;

    fn caption() -> Caption {
        Caption {
            title: "A & B".to_owned(),
            subtitle: "<moving averages>".to_owned(),
            start: Decimal::from(100),
        }
    }

    fn drawn(values: &[i64]) -> String {
        let days = values.iter().enumerate().map(|(day, &value)| DayValue {
            at: Timestamp::from_micros(i64::try_from(day).unwrap() * 2 * DAY),
            value: Decimal::from(value),
        });
        draw_value(&days.collect::<Vec<_>>(), &caption())
    }

    #[test]
    fn texts_are_escaped_and_every_point_is_drawn() {
        let svg = drawn(&[100, 120, 90]);
        assert!(svg.contains("A &amp; B") && svg.contains("&lt;moving averages&gt;"));
        let curve = svg.lines().find(|line| line.contains("fill=\"none\"")).unwrap();
        assert_eq!(curve.matches('L').count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn few_or_equal_points_are_drawn_too() {
        for values in [&[][..], &[100], &[0, 0]] {
            let svg = drawn(values);
            assert!(svg.ends_with("</svg>\n"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
