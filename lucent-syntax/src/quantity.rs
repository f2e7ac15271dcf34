//! Durations and sizes as texts: `2ms`, `4MiB`.
//!
//! Invariant: a quantity is a whole number and a unit; nothing is rounded.

use std::time::Duration;

/// Parses `250us`, `2ms`, `1s`, `5min` or `1h`.
///
/// # Errors
/// What is wrong with the text, as a fragment of a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    quantity(text, &UNITS, "2ms").map(Duration::from_nanos)
}

/// Parses `512B`, `64KiB`, `4MiB`, `1GiB`, or `kB`, `MB` and `GB` in powers of ten.
///
/// # Errors
/// What is wrong with the text, as a fragment of a sentence.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];
    quantity(text, &UNITS, "4MiB")
}

fn quantity(text: &str, units: &[(&str, u64)], example: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = (&text[..end], text[end..].trim());
    if digits.is_empty() {
        return Err(format!("`{text}` does not begin with a whole number: write `{example}`"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        let known = names.join(", ");
        return Err(match unit {
            "" => format!("`{text}` has no unit: write one of {known}, as in `{example}`"),
            _ => format!("`{unit}` is no unit: write one of {known}, as in `{example}`"),
        });
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    match number {
        Some(0) => Err(format!("`{text}` is nothing: write a number from 1")),
        Some(number) => Ok(number),
        None => Err(format!("`{text}` is too large")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_whole_numbers_with_a_unit() {
        assert_eq!(parse_duration("2ms"), Ok(Duration::from_millis(2)));
        assert_eq!(parse_duration("5 min"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_bytes("4MiB"), Ok(4 << 20));
        assert_eq!(parse_bytes("1kB"), Ok(1_000));
    }

    #[test]
    fn anything_else_is_explained() {
        let said = |text| parse_duration(text).unwrap_err();
        assert!(said("ms").contains("does not begin with a whole number"));
        assert!(said("2").contains("has no unit: write one of ns, us"));
        assert!(said("2.5ms").contains("`.5ms` is no unit"));
        assert!(said("0s").contains("is nothing"));
        assert!(parse_bytes("99999999999GiB").unwrap_err().contains("is too large"));
        assert!(parse_bytes("é").unwrap_err().contains("`é` does not begin"));
    }
}
