//! Encoded values, taken apart into fields so that they can be compared and printed.
//!
//! Invariant: nothing is lost on the way: numbers keep their digits and fields keep their order;
//! two values are equal if they differ in the order of fields only.

use std::fmt::{self, Write as _};

use lucent_core::{ContentType, EncodeError, Event, Payload};
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A JSON value whose numbers are still texts.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A number, `true`, `false` or `null`, as it was encoded.
    Literal(String),
    Text(String),
    List(Vec<Self>),
    Record(Vec<(String, Self)>),
}

impl Value {
    /// Encodes a value and takes it apart.
    pub(super) fn of<T: Serialize>(value: &T) -> Result<Self, EncodeError> {
        Payload::json(value).map(|payload| Self::of_payload(&payload))
    }

    /// Takes a payload apart; one that is not JSON becomes its bytes in hexadecimal.
    pub(super) fn of_payload(payload: &Payload) -> Self {
        match payload.content_type {
            ContentType::Json => Self::parse(&payload.data),
            _ => Err(()),
        }
        .unwrap_or_else(|()| {
            let mut hex = "0x".to_owned();
            for byte in &payload.data {
                let _ = write!(hex, "{byte:02x}");
            }
            Self::Literal(hex)
        })
    }

    /// Takes JSON apart.
    pub(super) fn parse(json: &[u8]) -> Result<Self, ()> {
        let raw: &RawValue = serde_json::from_slice(json).map_err(|_| ())?;
        Self::of_raw(raw).map_err(|_| ())
    }

    fn of_raw(raw: &RawValue) -> Result<Self, serde_json::Error> {
        let json = raw.get();
        Ok(match json.as_bytes().first() {
            Some(b'{') => {
                let fields: Fields<'_> = serde_json::from_str(json)?;
                let fields = fields.0.into_iter();
                let fields = fields.map(|(name, raw)| Ok((name, Self::of_raw(raw)?)));
                Self::Record(fields.collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json)?;
                Self::List(items.into_iter().map(Self::of_raw).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(json)?),
            _ => Self::Literal(json.to_owned()),
        })
    }

    /// Prints the value: on one line if it fits, else one line per field.
    pub(super) fn print(&self, width: usize) -> String {
        named("", self, width)
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Self::Literal(literal) => out.push_str(literal),
            Self::Text(text) => {
                let _ = write!(out, "{text:?}");
            }
            Self::List(items) => {
                enclose(out, ["[", "]"], indent, items, |out, item, indent| {
                    item.write(out, indent);
                });
            }
            Self::Record(fields) if fields.is_empty() => out.push_str("{}"),
            Self::Record(fields) => {
                let ends = if indent.is_some() { ["{", "}"] } else { ["{ ", " }"] };
                enclose(out, ends, indent, fields, |out, (name, value), indent| {
                    let _ = write!(out, "{name}: ");
                    value.write(out, indent);
                });
            }
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) | (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Record(a), Self::Record(b)) => {
                let sorted = |fields: &[(String, Self)]| {
                    let mut order: Vec<usize> = (0..fields.len()).collect();
                    order.sort_by(|&x, &y| fields[x].0.cmp(&fields[y].0));
                    order
                };
                let pairs = || sorted(a).into_iter().zip(sorted(b));
                a.len() == b.len() && pairs().all(|(x, y)| a[x] == b[y])
            }
            _ => false,
        }
    }
}

/// Prints a value under the name of its type or variant.
pub(super) fn named(name: &str, value: &Value, width: usize) -> String {
    let line = named_at(name, value, None);
    if line.chars().count() <= width { line } else { named_at(name, value, Some(0)) }
}

fn named_at(name: &str, value: &Value, indent: Option<usize>) -> String {
    let mut out = name.to_owned();
    match value {
        _ if name.is_empty() => value.write(&mut out, indent),
        Value::Record(fields) if fields.is_empty() => {}
        Value::Record(_) => {
            out.push(' ');
            value.write(&mut out, indent);
        }
        Value::List(items) => {
            enclose(&mut out, ["(", ")"], indent, items, |out, item, indent| {
                item.write(out, indent);
            });
        }
        Value::Literal(_) | Value::Text(_) => {
            out.push('(');
            value.write(&mut out, None);
            out.push(')');
        }
    }
    out
}

fn enclose<T>(
    out: &mut String,
    [open, close]: [&str; 2],
    indent: Option<usize>,
    items: &[T],
    mut write: impl FnMut(&mut String, &T, Option<usize>),
) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        match indent {
            Some(depth) => {
                let _ = write!(out, "\n{:1$}", "", depth + 2);
                write(out, item, Some(depth + 2));
                out.push(',');
            }
            None => {
                out.push_str(if index == 0 { "" } else { ", " });
                write(out, item, None);
            }
        }
    }
    if let (Some(depth), false) = (indent, items.is_empty()) {
        let _ = write!(out, "\n{:depth$}", "");
    }
    out.push_str(close);
}

/// An event as it is stored, ready to be compared and printed.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub(super) name: &'static str,
    pub(super) payload: Payload,
    pub(super) value: Value,
    /// Whether the value is the event's, and not the reason why it does not encode.
    valid: bool,
}

impl Encoded {
    pub(super) fn of<E: Event>(event: &E) -> Result<Self, EncodeError> {
        let payload = event.encode()?;
        let value = Value::of_payload(&payload);
        Ok(Self { name: event.event_type().name, payload, value, valid: true })
    }

    /// As [`Self::of`]; an event that does not encode is spelled as the reason, and equals none.
    pub(super) fn spelled<E: Event>(event: &E) -> Self {
        Self::of(event).unwrap_or_else(|error| Self {
            name: event.event_type().name,
            payload: Payload::default(),
            value: Value::Text(error.to_string()),
            valid: false,
        })
    }

    pub(super) fn all<E: Event>(events: &[E]) -> Vec<Self> {
        events.iter().map(Self::spelled).collect()
    }

    pub(super) fn print(&self, width: usize) -> String {
        named(self.name, &self.value, width)
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.valid && other.valid && self.name == other.name && self.value == other.value
    }
}

/// The fields of an object, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Value {
        Value::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn fields_keep_their_order_and_numbers_their_digits() {
        let value = parse(r#"{"z":340282366920938463463374607431768211455,"a":[1.0,null,"x\n"]}"#);
        assert_eq!(
            value.print(100),
            r#"{ z: 340282366920938463463374607431768211455, a: [1.0, null, "x\n"] }"#
        );
    }

    #[test]
    fn the_order_of_fields_does_not_matter_and_the_last_digit_does() {
        assert_eq!(parse(r#"{"a":1,"b":[2]}"#), parse(r#"{"b":[2],"a":1}"#));
        assert_ne!(parse("18446744073709551617"), parse("18446744073709551618"));
        assert_ne!(parse(r#"{"a":1}"#), parse(r#"{"b":1}"#));
        assert_ne!(parse("[1,2]"), parse("[2,1]"));
    }

    #[test]
    fn a_name_is_printed_as_rust_would_write_the_variant() {
        for (json, printed) in [
            ("{}", "Closed"),
            (r#"{"by":"ann"}"#, r#"Closed { by: "ann" }"#),
            (r#"[1,"x"]"#, r#"Closed(1, "x")"#),
            ("7", "Closed(7)"),
        ] {
            assert_eq!(named("Closed", &parse(json), 80), printed);
        }
    }

    #[test]
    fn what_does_not_fit_on_a_line_gets_a_line_per_field() {
        let value = parse(r#"{"owner":"ann","lines":[{"sku":"a"},{"sku":"b"}],"none":[]}"#);
        assert_eq!(
            named("Placed", &value, 20),
            "Placed {\n  owner: \"ann\",\n  lines: [\n    {\n      sku: \"a\",\n    },\n    {\n      sku: \"b\",\n    },\n  ],\n  none: [],\n}"
        );
    }

    #[test]
    fn bytes_are_printed_in_hexadecimal() {
        let value = Value::of_payload(&Payload::binary(vec![1, 255]));
        assert_eq!(value.print(80), "0x01ff");
    }
}
