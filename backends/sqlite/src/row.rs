//! Events as rows of the table `events`, and back.
//!
//! Invariant: what [`EncodedEvent`] binds, [`Decoder`] reads back field by field; a row that
//! somebody damaged is an error that names its position, never a panic.

use std::{borrow::Cow, sync::Arc};

use bytes::{Bytes, BytesMut};
use lucent_core::{
    BusinessContext, ContentType, EventId, Metadata, NewEvent, Payload, Position, RecordedEvent,
    StreamId, Tag, Timestamp, Uuid, Version, store::AppendError,
};
use rusqlite::{
    CachedStatement, Row, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::{fault::Fault, intern};

/// The columns that [`Decoder::event`] reads, in its order.
macro_rules! event_columns {
    () => {
        "position, stream, version, event_id, event_type, schema_version, content_type, data, \
         correlation, causation, context, recorded_at, tags"
    };
}
pub(crate) use event_columns;

/// The columns that [`Decoder::part`] reads, in its order.
macro_rules! part_columns {
    () => {
        "position, version, event_type, schema_version, content_type, data"
    };
}
pub(crate) use part_columns;

/// The statement that [`EncodedEvent::insert`] runs.
pub(crate) const INSERT_EVENT: &str = concat!(
    "INSERT INTO events (",
    event_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
);

/// An event whose parts have the form in which they are stored.
#[derive(Debug)]
pub(crate) struct EncodedEvent {
    pub(crate) event: NewEvent,
    content_type: Option<i64>,
    correlation: Uuid,
    causation: Uuid,
    context: Option<String>,
    tags: Option<String>,
}

impl EncodedEvent {
    /// Encodes an event, on the caller's thread.
    pub(crate) fn new(event: NewEvent) -> Result<Self, AppendError> {
        let invalid = |reason: String| AppendError::Invalid { reason };
        let name = &event.event_type;
        let content_type = content_code(&event.payload)
            .map_err(|reason| invalid(format!("the payload of `{name}` {reason}")))?;
        let context = match event.metadata.context() {
            context if context.is_empty() => None,
            context => Some(serde_json::to_string(context).map_err(|error| {
                invalid(format!("the business context of `{name}` is not JSON: {error}"))
            })?),
        };
        let tags =
            match &*event.tags {
                [] => None,
                tags => Some(serde_json::to_string(tags).map_err(|error| {
                    invalid(format!("the tags of `{name}` are not JSON: {error}"))
                })?),
            };
        let (correlation, causation) = (event.metadata.correlation(), event.metadata.causation());
        Ok(Self { event, content_type, correlation, causation, context, tags })
    }

    /// The bytes that the event takes in a queue and in a batch.
    pub(crate) fn bytes(&self) -> usize {
        self.event.payload.data.len()
            + self.context.as_ref().map_or(0, String::len)
            + self.tags.as_ref().map_or(0, String::len)
            + 256
    }

    /// Writes the row.
    pub(crate) fn insert(
        &self,
        statement: &mut CachedStatement<'_>,
        stream: &StreamId,
        version: u64,
        position: u64,
    ) -> rusqlite::Result<()> {
        let event = &self.event;
        statement.execute(rusqlite::params![
            to_sql(position),
            stream.as_str(),
            to_sql(version),
            event.id.uuid().as_bytes(),
            &*event.event_type,
            event.schema_version,
            self.content_type,
            StoredPayload(&event.payload),
            self.correlation.as_bytes(),
            self.causation.as_bytes(),
            self.context,
            event.recorded_at.as_micros(),
            self.tags,
        ])?;
        Ok(())
    }
}

/// Bytes that were checked to be UTF-8 bind as text, so that plain SQL reads JSON.
pub(crate) struct StoredPayload<'a>(pub(crate) &'a Payload);

impl ToSql for StoredPayload<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0.content_type {
            ContentType::Json => ValueRef::Text(&self.0.data),
            _ => ValueRef::Blob(&self.0.data),
        }))
    }
}

/// What a state can depend on of an event.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) event_type: Cow<'static, str>,
    pub(crate) schema_version: u32,
    pub(crate) payload: Payload,
}

/// Reads rows; what repeats from row to row is shared.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    stream: Option<StreamId>,
    event_type: Cow<'static, str>,
    metadata: Option<(Option<String>, Arc<Metadata>)>,
    payloads: BytesMut,
}

impl Decoder {
    /// A reader of rows that are likely of this stream.
    pub(crate) fn of_stream(stream: &StreamId) -> Self {
        Self { stream: Some(stream.clone()), ..Self::default() }
    }

    /// Reads an event whose columns are those of [`event_columns`].
    pub(crate) fn event(&mut self, row: &Row<'_>) -> Result<RecordedEvent, Fault> {
        let position: i64 = row.get(0)?;
        self.read(row, position)
            .map_err(|reason| Fault::damaged(format!("event {position}"), reason))
    }

    /// Reads a part of an event whose columns are those of [`part_columns`].
    pub(crate) fn part(&mut self, row: &Row<'_>) -> Result<Part, Fault> {
        let position: i64 = row.get(0)?;
        let mut read = || {
            Ok(Part {
                position: Position::new(from_sql(position)),
                version: Version::new(from_sql(integer(row, 1)?)),
                event_type: self.event_type(row, 2)?,
                schema_version: schema_version(row, 3)?,
                payload: self.payload(row, 4, 5)?,
            })
        };
        read().map_err(|reason: String| Fault::damaged(format!("event {position}"), reason))
    }

    fn read(&mut self, row: &Row<'_>, position: i64) -> Result<RecordedEvent, String> {
        Ok(RecordedEvent {
            position: Position::new(from_sql(position)),
            stream: self.stream(row)?,
            version: Version::new(from_sql(integer(row, 2)?)),
            id: EventId::from_uuid(uuid(row, 3)?),
            event_type: self.event_type(row, 4)?,
            schema_version: schema_version(row, 5)?,
            payload: self.payload(row, 6, 7)?,
            tags: tags(row)?,
            metadata: self.metadata(row)?,
            recorded_at: Timestamp::from_micros(integer(row, 11)?),
        })
    }

    fn stream(&mut self, row: &Row<'_>) -> Result<StreamId, String> {
        if let (Some(last), ValueRef::Text(name)) = (&self.stream, value(row, 1)?)
            && last.as_str().as_bytes() == name
        {
            return Ok(last.clone());
        }
        let stream = StreamId::new(text(row, 1)?).map_err(|error| error.to_string())?;
        self.stream = Some(stream.clone());
        Ok(stream)
    }

    fn event_type(&mut self, row: &Row<'_>, column: usize) -> Result<Cow<'static, str>, String> {
        match value(row, column)? {
            ValueRef::Text(name) if name == self.event_type.as_bytes() => {}
            _ => self.event_type = intern::event_type(text(row, column)?),
        }
        Ok(self.event_type.clone())
    }

    /// Small payloads of neighbors share an allocation.
    fn payload(&mut self, row: &Row<'_>, code: usize, data: usize) -> Result<Payload, String> {
        let (content_type, bytes) = payload_parts(row, code, data)?;
        let data = if bytes.len() > CHUNK / 8 {
            Bytes::copy_from_slice(bytes)
        } else {
            if self.payloads.capacity() < bytes.len() {
                self.payloads = BytesMut::with_capacity(CHUNK);
            }
            self.payloads.extend_from_slice(bytes);
            self.payloads.split().freeze()
        };
        Ok(Payload { content_type, data })
    }

    fn metadata(&mut self, row: &Row<'_>) -> Result<Arc<Metadata>, String> {
        let correlation = uuid(row, 8)?;
        let causation = uuid(row, 9)?;
        let context = optional_text(row, 10)?;
        if let Some((last_context, last)) = &self.metadata
            && last.causation() == causation
            && last.correlation() == correlation
            && last_context.as_deref() == context
        {
            return Ok(Arc::clone(last));
        }
        let parsed = match context {
            None => BusinessContext::default(),
            Some(json) => serde_json::from_str(json)
                .map_err(|error| format!("its context is not a JSON object of texts: {error}"))?,
        };
        let metadata = Arc::new(Metadata::from_parts(correlation, causation, parsed));
        self.metadata = Some((context.map(str::to_owned), Arc::clone(&metadata)));
        Ok(metadata)
    }
}

/// The stored code of a payload's content type.
pub(crate) fn content_code(payload: &Payload) -> Result<Option<i64>, String> {
    match payload.content_type {
        ContentType::Json if std::str::from_utf8(&payload.data).is_err() => {
            Err("is said to be JSON and is not UTF-8: encode it anew, or mark it as binary".into())
        }
        ContentType::Json => Ok(None),
        ContentType::Binary => Ok(Some(BINARY)),
        other => {
            Err(format!("has the content type {}, which this store does not know", other.as_str()))
        }
    }
}

/// The payload in these two columns.
pub(crate) fn payload(row: &Row<'_>, code: usize, data: usize) -> Result<Payload, String> {
    let (content_type, bytes) = payload_parts(row, code, data)?;
    Ok(Payload { content_type, data: Bytes::copy_from_slice(bytes) })
}

fn payload_parts<'r>(
    row: &'r Row<'_>,
    code: usize,
    data: usize,
) -> Result<(ContentType, &'r [u8]), String> {
    let content_type = match value(row, code)? {
        ValueRef::Null => ContentType::Json,
        ValueRef::Integer(BINARY) => ContentType::Binary,
        other => return Err(format!("its content type {other:?} is unknown")),
    };
    match value(row, data)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok((content_type, bytes)),
        other => Err(format!("its payload is {}", other.data_type())),
    }
}

/// The version of a shape.
pub(crate) fn schema_version(row: &Row<'_>, column: usize) -> Result<u32, String> {
    integer(row, column)?.try_into().map_err(|_| "its schema version is out of range".to_owned())
}

/// A whole number; SQLite's numbers are signed.
pub(crate) fn integer(row: &Row<'_>, column: usize) -> Result<i64, String> {
    match value(row, column)? {
        ValueRef::Integer(number) => Ok(number),
        other => Err(format!("its column {column} is {}, not a number", other.data_type())),
    }
}

/// A position or version as SQLite keeps it; what is out of its range is beyond every row.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A position or version from SQLite.
pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn value<'r>(row: &'r Row<'_>, column: usize) -> Result<ValueRef<'r>, String> {
    row.get_ref(column).map_err(|error| error.to_string())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, String> {
    optional_text(row, column)?.ok_or_else(|| format!("its column {column} is missing"))
}

fn optional_text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, String> {
    match value(row, column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(format!("its column {column} is not UTF-8: {error}")),
        },
        other => Err(format!("its column {column} is {}, not a text", other.data_type())),
    }
}

fn uuid(row: &Row<'_>, column: usize) -> Result<Uuid, String> {
    match value(row, column)? {
        ValueRef::Blob(bytes) => Uuid::from_slice(bytes)
            .map_err(|error| format!("its column {column} is not a UUID: {error}")),
        other => Err(format!("its column {column} is {}, not a UUID", other.data_type())),
    }
}

fn tags(row: &Row<'_>) -> Result<Vec<Tag>, String> {
    match optional_text(row, 12)? {
        None => Ok(Vec::new()),
        Some(json) => serde_json::from_str(json)
            .map_err(|error| format!("its tags are not a JSON array of tags: {error}")),
    }
}

/// The stored code of [`ContentType::Binary`].
const BINARY: i64 = 1;

/// The size of an allocation that payloads share: who keeps one event keeps at most this alive.
const CHUNK: usize = 64 << 10;
