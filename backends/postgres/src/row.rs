//! Events as rows, and rows as events.
//!
//! Invariant: a payload comes back byte for byte. JSON stands in a `json` column, which keeps the
//! text; a payload that claims to be JSON and is none stands with the bytes, under its own name.

use std::{borrow::Cow, error::Error, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use lucent_core::{
    BusinessContext, ContentType, EventId, Metadata, NewEvent, Payload, Position, RecordedEvent,
    StreamId, Tag, Timestamp, Version, store::AppendError,
};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::fault::Fault;

/// An event that was checked and is ready to be written.
#[derive(Debug)]
pub(crate) struct EncodedEvent {
    pub(crate) event: NewEvent,
    /// Whether the payload goes into the `json` column.
    pub(crate) is_json: bool,
    pub(crate) context: Option<Json<String>>,
    /// The tags, each once, one per line.
    pub(crate) tags: Option<String>,
}

impl EncodedEvent {
    /// Checks what PostgreSQL would refuse, on the caller's task.
    pub(crate) fn new(mut event: NewEvent) -> Result<Self, AppendError> {
        let invalid = |reason: String| Err(AppendError::Invalid { reason });
        if event.event_type.contains('\0') || event.event_type.len() > LONGEST_TYPE {
            return invalid(format!(
                "the event type `{}` is longer than {LONGEST_TYPE} bytes or holds a zero byte",
                event.event_type.chars().take(80).collect::<String>().escape_debug()
            ));
        }
        let context = event.metadata.context();
        let context = match context.is_empty() {
            true => None,
            false => match serde_json::to_string(context) {
                Ok(text) => Some(Json(text)),
                Err(error) => return invalid(format!("the context cannot be encoded: {error}")),
            },
        };
        let mut tags = None::<String>;
        for (index, tag) in event.tags.iter().enumerate() {
            if event.tags[..index].contains(tag) {
                continue;
            }
            let text = tags.get_or_insert_default();
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(tag.as_str());
        }
        event.tags.shrink_to_fit();
        Ok(Self { is_json: is_storable_json(&event.payload), context, tags, event })
    }

    /// About how much room it takes in a message.
    pub(crate) fn bytes(&self) -> usize {
        self.event.payload.data.len() + 256
    }
}

/// Whether PostgreSQL takes the payload as `json`.
pub(crate) fn is_storable_json(payload: &Payload) -> bool {
    let data = &payload.data[..];
    payload.content_type == ContentType::Json
        && std::str::from_utf8(data).is_ok()
        && serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok()
        && !is_deeper_than(data, DEEPEST)
}

/// The content type to be stored; nothing for JSON in its own column.
pub(crate) fn content_column(payload: &Payload, is_json: bool) -> Option<&'static str> {
    (!is_json).then(|| payload.content_type.as_str())
}

/// Whether valid JSON nests deeper than this.
fn is_deeper_than(data: &[u8], limit: usize) -> bool {
    if data.len() < 2 * limit {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in data {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    false
}

/// The columns that [`recorded`] reads; payloads that are long are left out and fetched apart.
macro_rules! event_columns {
    () => {
        "position, version, recorded_at, schema_version, event_id, correlation, causation, size, \
         stream, event_type, content_type, \
         CASE WHEN size <= 8192 THEN payload END, CASE WHEN size <= 8192 THEN bytes END, \
         tags, context, prehistoric"
    };
}
pub(crate) use event_columns;

/// An event of a page, which may still lack its payload.
pub(crate) struct Fetched {
    pub(crate) event: RecordedEvent,
    pub(crate) size: usize,
    pub(crate) complete: bool,
}

/// What rows share: the stream's name often repeats from row to row.
#[derive(Default)]
pub(crate) struct Interner {
    stream: Option<StreamId>,
}

impl Interner {
    /// The event of a row of [`event_columns`].
    pub(crate) fn recorded(&mut self, row: &Row) -> Result<Fetched, Fault> {
        let position = Position::new(from_sql(row.try_get(0)?));
        let damaged = |what: &str, reason: String| {
            Fault::damaged(format!("event {position}"), format!("its {what}: {reason}"))
        };
        let stream = self.stream(row.try_get(8)?).map_err(|error| damaged("stream", error))?;
        let tags: Option<Vec<&str>> = row.try_get(13)?;
        let tags = tags.unwrap_or_default().into_iter().map(Tag::new);
        let tags = tags
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| damaged("tags", error.to_string()))?;
        let context: Option<Json<&str>> = row.try_get(14)?;
        let context = match context {
            None => BusinessContext::default(),
            Some(Json(text)) => {
                serde_json::from_str(text).map_err(|error| damaged("context", error.to_string()))?
            }
        };
        let size: i32 = row.try_get(7)?;
        let payload = payload(row, 10).map_err(|error| damaged("payload", error))?;
        Ok(Fetched {
            complete: payload.is_some(),
            size: usize::try_from(size).unwrap_or_default(),
            event: RecordedEvent {
                position,
                stream,
                version: Version::new(from_sql(row.try_get(1)?)),
                id: EventId::from_uuid(row.try_get(4)?),
                event_type: Cow::Owned(row.try_get(9)?),
                schema_version: u32::try_from(row.try_get::<_, i64>(3)?).unwrap_or(u32::MAX),
                payload: payload.unwrap_or_default(),
                tags,
                metadata: Arc::new(Metadata::from_parts(row.try_get(5)?, row.try_get(6)?, context)),
                recorded_at: recorded_at(row)?,
            },
        })
    }

    fn stream(&mut self, name: &str) -> Result<StreamId, String> {
        match &self.stream {
            // The text of the name is shared.
            Some(last) if last.as_str() == name => Ok(last.clone()),
            _ => {
                let stream = StreamId::new(name).map_err(|error| error.to_string())?;
                self.stream = Some(stream.clone());
                Ok(stream)
            }
        }
    }
}

fn recorded_at(row: &Row) -> Result<Timestamp, Fault> {
    Ok(match row.try_get::<_, Option<i64>>(15)? {
        Some(micros) => Timestamp::from_micros(micros),
        None => row.try_get::<_, Micros>(2)?.0,
    })
}

/// The time for a column that starts in 4714 BC, and the true one if it is earlier.
pub(crate) fn time_columns(time: Timestamp) -> (Micros, Option<i64>) {
    match time.as_micros() {
        early if early < EARLIEST => (Micros(Timestamp::from_micros(EARLIEST)), Some(early)),
        _ => (Micros(time), None),
    }
}

/// The payload of columns `content_type, payload, bytes`; nothing if it was left out.
pub(crate) fn payload(row: &Row, first: usize) -> Result<Option<Payload>, String> {
    let text = |error: tokio_postgres::Error| error.to_string();
    let json: Option<Json<&str>> = row.try_get(first + 1).map_err(text)?;
    if let Some(Json(json)) = json {
        let data = Bytes::copy_from_slice(json.as_bytes());
        return Ok(Some(Payload { content_type: ContentType::Json, data }));
    }
    let bytes: Option<&[u8]> = row.try_get(first + 2).map_err(text)?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let name: Option<&str> = row.try_get(first).map_err(text)?;
    let content_type = ContentType::parse(name.unwrap_or_default())
        .ok_or_else(|| format!("its content type {name:?} is unknown"))?;
    Ok(Some(Payload { content_type, data: Bytes::copy_from_slice(bytes) }))
}

/// A number of ours as PostgreSQL has it; greater ones than any stored are all alike.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored number; it is never negative.
pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// JSON that is written and read as text, without being parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: AsRef<[u8]> + std::fmt::Debug> ToSql for Json<T> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(self.0.as_ref());
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSON
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json<&'a str> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSON
    }
}

/// A time in microseconds, as `timestamptz` keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Micros(pub(crate) Timestamp);

impl ToSql for Micros {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.as_micros() - EPOCH);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Micros {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_micros(micros.saturating_add(EPOCH))))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

/// 2000-01-01 in microseconds since 1970: where PostgreSQL counts from.
const EPOCH: i64 = 946_684_800_000_000;

/// 4714-11-24 BC, the first day that `timestamptz` holds.
const EARLIEST: i64 = -210_866_803_200_000_000;

/// PostgreSQL parses JSON by recursion, on a stack that a server may have set small.
const DEEPEST: usize = 500;

/// Longer names are no names; it keeps indexes that users add possible.
const LONGEST_TYPE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn storable(data: &[u8]) -> bool {
        is_storable_json(&Payload {
            content_type: ContentType::Json,
            data: Bytes::copy_from_slice(data),
        })
    }

    #[test]
    fn only_what_postgres_parses_goes_into_the_json_column() {
        for good in ["{}", " [1, \"\\u0000\"] ", "null", "\"\\ud800\"", "-1.5e300"] {
            assert!(storable(good.as_bytes()), "{good}");
        }
        for bad in [&b""[..], b"{", b"{} x", b"\"\xff\"", b"\"a\nb\"", b"\0", b"01"] {
            assert!(!storable(bad), "{bad:?}");
        }
        assert!(!is_storable_json(&Payload::binary("{}")));
    }

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(storable(deep(DEEPEST).as_bytes()));
        assert!(!storable(deep(DEEPEST + 1).as_bytes()));
        let text = format!("\"{}\\\"{}\"", "[".repeat(2_000), "{".repeat(2_000));
        assert!(storable(text.as_bytes()));
    }
}
