//! Numbers for people.
//!
//! Invariant: what is shown is rounded; what is rounded is only shown.

use rust_decimal::Decimal;

/// An amount with thousands separated and a fixed number of decimals.
pub(crate) fn amount(value: Decimal, decimals: u32) -> String {
    let mut rounded = value.round_dp(decimals);
    rounded.rescale(decimals);
    let text = rounded.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// A profit or a loss: an amount with a sign.
pub(crate) fn gain(value: Decimal) -> String {
    let text = amount(value, 2);
    if value.round_dp(2) > Decimal::ZERO { format!("+{text}") } else { text }
}

/// A count with thousands separated.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_decimals_fixed() {
        assert_eq!(amount(Decimal::new(-123_456_789, 3), 2), "-123,456.79");
        assert_eq!(amount(Decimal::from(999), 2), "999.00");
        assert_eq!(amount(Decimal::new(-1, 3), 2), "0.00");
        assert_eq!(gain(Decimal::from(1_000)), "+1,000.00");
        assert_eq!(count(1_000_000), "1,000,000");
    }
}
